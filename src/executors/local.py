"""Local workers: processes that are kept warm, replaced when they die and when they have grown."""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from pathlib import Path
from typing import Any

from src.core.errors import AssayError
from src.executors.protocol import Epoch, Event, Job, Lost
from src.executors.worker import Ready, serve
from src.executors.worker_memory import MemoryGrowth

EARLY_ENDS = 3  # workers in a row that end before they can train
PROCESSES = multiprocessing.get_context("spawn")


class Worker:
    """A process that trains jobs, the pipe to it, the file that it writes to, and what it is busy with."""

    def __init__(self, output: Path, target: str | None) -> None:
        """Start the process; target names another function than a training's, for tests."""
        self.output, self.ready = output, False
        self.job: Job | None = None
        self.pipe, theirs = PROCESSES.Pipe()
        self.process = PROCESSES.Process(target=serve, args=(theirs, output, target), daemon=True)
        with _ctrl_c_blocked():
            self.process.start()
        theirs.close()  # else the end of the worker would not be seen
        self.growth = MemoryGrowth(self.process.pid or 0)

    def send(self, message: object) -> None:
        """Send it something, unless it died: its sentinel says so."""
        try:
            self.pipe.send(message)
        except OSError:
            return

    def end(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.join()
        self.pipe.close()

    @property
    def cause_of_end(self) -> str:
        """Return the signal or the exit code that it ended with."""
        code = self.process.exitcode
        if code == -signal.SIGKILL:
            return "SIGKILL, as the system does where memory runs out"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    @property
    def last_line(self) -> str:
        """Return what it wrote last."""
        whole = self.output.read_text(encoding="utf-8", errors="replace") if self.output.is_file() else ""
        return next((line.strip() for line in reversed(whole.split("\n")) if line.strip()), "it wrote nothing")


class LocalExecutor:
    """Runs jobs in processes of this machine; they start at once and load TensorFlow while the caller goes on."""

    def __init__(self, workers: int, threads: int, folder: Path, home: Path, *, target: str | None = None) -> None:
        self._threads, self._home, self._target = threads, home, target
        self._queue: deque[Job] = deque()
        self._events: deque[Event] = deque()
        self._early_ends = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AssayError(f"{folder}: cannot be written ({error.strerror})") from error
        self._active = [Worker(folder / f"worker-{number}.log", target) for number in range(1, workers + 1)]

    @property
    def workers(self) -> int:
        """How many jobs run at once."""
        return len(self._active)

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes that train."""
        return tuple(worker.process.pid or 0 for worker in self._active)

    def submit(self, job: Job) -> None:
        """Send a job to a free worker, or keep it until there is one."""
        self._queue.append(job.with_threads(self._threads))
        self._hand_out()

    def answer(self, number: int, *, go_on: bool) -> None:
        """Continue the training that reported an epoch, or stop it."""
        for worker in self._active:
            if worker.job and worker.job.number == number:
                worker.send(go_on)

    def take_back(self) -> list[int]:
        """Return the numbers of the jobs that no worker has yet, and forget these."""
        taken = [job.number for job in self._queue]
        self._queue.clear()
        return taken

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event.

        Raises:
            AssayError: one worker after the other ends before it can train.
        """
        end = time.monotonic() + timeout
        while not self._events:
            sources: dict[Any, Worker] = {worker.pipe: worker for worker in self._active}
            sources |= {worker.process.sentinel: worker for worker in self._active}
            found = connection.wait(list(sources), max(0.0, end - time.monotonic()))
            if not found:
                return None
            for worker in dict.fromkeys(sources[source] for source in found):
                self._take(worker)
            self._hand_out()
        return self._events.popleft()

    def close(self) -> None:
        """End the workers."""
        for worker in self._active:
            worker.end()
        self._active = []

    def _hand_out(self) -> None:
        for worker in self._active:
            if self._queue and not worker.job:
                worker.job = self._queue.popleft()
                worker.send((worker.job, self._home))

    def _take(self, worker: Worker) -> None:
        """Take what a worker has sent, also what it sent before its end; one that has ended is replaced."""
        try:
            while worker.pipe.poll():
                event: Ready | Event = worker.pipe.recv()
                if isinstance(event, Ready):
                    worker.ready, self._early_ends = True, 0
                    continue
                self._events.append(event)
                if not isinstance(event, Epoch):
                    worker.job = None
                    if worker.growth.exceeded():
                        worker.end()
        except (EOFError, OSError):
            worker.process.join(1.0)
        if worker.process.is_alive():
            return
        if not worker.ready:
            self._early_ends += 1
            if self._early_ends >= EARLY_ENDS:
                raise AssayError(f"{worker.output}: workers end before they can train: {worker.last_line}")
        if worker.job:
            self._events.append(Lost(worker.job.number, f"its worker ended ({worker.cause_of_end})"))
        worker.end()
        self._active[self._active.index(worker)] = Worker(worker.output, self._target)


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Start processes inside the block with Ctrl-C blocked: until they ignore it, they would end with it."""
    resource_tracker.ensure_running()  # when it starts, it lets the signals through that it finds held back
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
