"""Local workers: processes that are kept between jobs, and replaced when they die or use much more memory."""

import pickle
import time
from collections import deque
from multiprocessing import connection
from pathlib import Path
from typing import Any

import src
from src.core.errors import AssayError
from src.executors.child import Child
from src.executors.protocol import Epoch, Event, Job, Lost
from src.executors.worker import READY

EARLY_ENDS = 3  # workers in a row that end before they can train
ROOT = Path(src.__file__).parents[1]


class Worker(Child):
    """A process on this machine, its log file, and its current job."""

    def __init__(self, output: Path, target: str) -> None:
        """Start the process; its output is appended to the file."""
        self.output, self.ready = output, False
        self.job: Job | None = None
        with output.open("ab") as file:
            super().__init__(ROOT, target, file)

    @property
    def last_line(self) -> str:
        """Return the last line that the process wrote."""
        whole = self.output.read_text(encoding="utf-8", errors="replace")
        return next((line.strip() for line in reversed(whole.split("\n")) if line.strip()), "it wrote nothing")


class LocalExecutor:
    """Runs jobs in processes on this machine; they start at once and load TensorFlow while the caller continues."""

    def __init__(self, workers: int, threads: int, folder: Path, home: Path, *, target: str = "") -> None:
        """Start the workers, which write to files in `folder`; `target` names a function in place of the training.

        Raises:
            AssayError: the folder cannot be written to.
        """
        self._threads, self._home, self._target = threads, home, target
        self._queue: deque[Job] = deque()
        self._events: deque[Event] = deque()
        self._early_ends = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._active = [Worker(folder / f"worker-{number}.log", target) for number in range(1, workers + 1)]
        except OSError as error:
            raise AssayError(f"{folder}: cannot be written ({error.strerror})") from error

    @property
    def workers(self) -> int:
        """How many jobs run at once."""
        return len(self._active)

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes that train."""
        return tuple(worker.process.pid for worker in self._active)

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
        """Cancel the jobs that no worker has yet, and return their numbers."""
        taken = [job.number for job in self._queue]
        self._queue.clear()
        return taken

    def next(self, timeout: float) -> Event | None:
        """Wait up to `timeout` seconds for the next event.

        Raises:
            AssayError: several workers in a row end before they can train.
        """
        end = time.monotonic() + timeout
        while not self._events:
            pipes: dict[Any, Worker] = {worker.pipe: worker for worker in self._active}
            found = connection.wait(list(pipes), max(0.0, end - time.monotonic()))
            if not found:
                return None
            for pipe in found:
                self._take(pipes[pipe])
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
        """Receive what a worker has sent; replace a worker that has ended or grown too much."""
        try:
            _, content = worker.pipe.recv()
        except (EOFError, OSError):
            self._note_end(worker)
            self._replace(worker)
            return
        if content == READY:
            worker.ready, self._early_ends = True, 0
            return
        event: Event = pickle.loads(content)
        self._events.append(event)
        if not isinstance(event, Epoch):
            worker.job = None
            if worker.grown():
                self._replace(worker)

    def _note_end(self, worker: Worker) -> None:
        cause = worker.cause_of_end()
        if not worker.ready:
            self._early_ends += 1
            if self._early_ends >= EARLY_ENDS:
                raise AssayError(f"{worker.output}: workers end before they can train: {worker.last_line}")
        if worker.job:
            self._events.append(Lost(worker.job.number, f"its worker ended ({cause})"))

    def _replace(self, worker: Worker) -> None:
        worker.end()
        self._active[self._active.index(worker)] = Worker(worker.output, self._target)
