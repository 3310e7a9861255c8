"""Trainings that all run to their end, handed to an executor one after the other."""

from collections import deque
from collections.abc import Callable, Sequence

from src.errors import AssayError
from src.tuning.jobs import TRIES, Epoch, Executor, Failed, Finished, Job, Lost

PATIENCE = 1.0  # seconds to wait for an event before looking again


def run_all(jobs: Sequence[Job], executor: Executor, done: Callable[[int, Finished | Failed], None]) -> None:
    """Run jobs of different numbers, as many at once as there are workers; each result is handed over as it comes.

    Raises:
        AssayError: a worker went away again and again, which says nothing about its training.
    """
    waiting = deque(jobs)
    running: dict[int, Job] = {}
    tries = dict.fromkeys((job.number for job in jobs), 0)
    while waiting or running:
        while waiting and len(running) < executor.workers:
            job = waiting.popleft()
            running[job.number] = job
            tries[job.number] += 1
            executor.submit(job)
        match executor.next(PATIENCE):
            case Epoch(number=number):
                executor.answer(number, go_on=number in running)
            case Lost(number=number) if number in running and tries[number] < TRIES:
                waiting.appendleft(running.pop(number))
            case Lost(number=number, reason=reason) if number in running:
                raise AssayError(f"a training was begun {TRIES} times and its worker went away: {reason}")
            case Finished() | Failed() as event if event.number in running:
                del running[event.number]
                done(event.number, event)
