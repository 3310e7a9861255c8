"""Start the workers that a command line asks for, and run jobs on them to the end."""

import argparse
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from src.core.errors import AssayError
from src.executors.protocol import TRIES, Epoch, Executor, Failed, Finished, Job, Lost

POLL = 1.0  # seconds to wait for an event before looking again


@dataclass(frozen=True)
class Workers:
    """How many trainings run at once, the threads of each, and the address of a Dask cluster that runs them instead."""

    count: int = 1
    threads: int = 1
    dask: str | None = None

    @classmethod
    def asked(cls, options: argparse.Namespace, threads: int, usual: int | None = None) -> "Workers":
        """Return the workers of a command line: --workers, else `usual`, else one per core; one alone has `threads`."""
        from src.images.worker_threads import cores  # imports OpenCV, for which --help should not wait

        many = options.workers or usual or cores()
        return cls(many, threads if many == 1 else max(1, cores() // many), options.dask)

    def start(self, logs: Path, home: Path) -> Executor:
        """Start workers that read the data below `home` and write to files in `logs`, or connect to the cluster.

        Raises:
            AssayError: `logs` cannot be written to, or the cluster does not answer.
        """
        if self.dask is None:
            from src.executors.local import LocalExecutor

            return LocalExecutor(self.count, self.threads, logs, home)
        try:
            from src.executors.dask.executor import ClusterExecutor
        except ImportError as error:
            install = "install it with `uv pip install --require-hashes -r requirements.txt`"
            raise AssayError(f"--dask: expected the package distributed, found none; {install}") from error
        return ClusterExecutor(self.dask, home)


def add_options(parser: argparse.ArgumentParser, workers: str) -> None:
    """Add --workers, with a help text, and --dask to the options of a command."""
    parser.add_argument("--workers", type=count, metavar="K", help=workers)
    parser.add_argument("--dask", metavar="ADDRESS", help="train on this Dask cluster, such as tcp://host:8786")


def count(text: str) -> int:
    """Read a whole number of at least 1 from the command line."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, found {text!r}")
    return int(text)


def run_all(jobs: Sequence[Job], executor: Executor) -> Iterator[Finished | Failed]:
    """Run jobs with distinct numbers, as many at once as there are workers, and yield each result as it arrives.

    Raises:
        AssayError: one job lost its worker again and again, which says nothing about its training.
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
        match executor.next(POLL):
            case Epoch(number=number):
                executor.answer(number, go_on=number in running)
            case Lost(number=number) if number in running and tries[number] < TRIES:
                waiting.appendleft(running.pop(number))
            case Lost(number=number, reason=reason) if number in running:
                raise AssayError(f"a training lost its worker {TRIES} times, the last time: {reason}")
            case Finished() | Failed() as event if event.number in running:
                del running[event.number]
                yield event
