"""A local worker's process, as the executor that started it sees it."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from src.tuning.jobs import Job
from src.tuning.memory import Growth
from src.tuning.worker import serve

PROCESSES = multiprocessing.get_context("spawn")


@dataclass(eq=False)
class Worker:
    """A process, the pipe to it, the file that it writes to, and what it is busy with."""

    process: BaseProcess
    pipe: Any
    output: Path
    growth: Growth
    ready: bool = False
    job: Job | None = None
    heir: "Worker | None" = None  # its replacement, warming up while it still works

    @classmethod
    def start(cls, output: Path, target: str | None, growth: Growth) -> "Worker":
        """Start a process that trains jobs; target names another function, for tests."""
        ours, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=serve, args=(theirs, output, target), daemon=True)
        with _deaf_to_ctrl_c():
            process.start()
        theirs.close()  # else the end of the worker would not be seen
        return cls(process, ours, output, growth)

    def send(self, message: object) -> None:
        """Say something to it, unless it died: its sentinel says so."""
        try:
            self.pipe.send(message)
        except OSError:
            return

    def end(self) -> None:
        """End it at once, and its heir."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        if self.heir:
            self.heir.end()

    @property
    def how(self) -> str:
        """How it ended."""
        code = self.process.exitcode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    @property
    def last_line(self) -> str:
        """What it wrote last."""
        whole = self.output.read_text(encoding="utf-8", errors="replace") if self.output.is_file() else ""
        return next((line.strip() for line in reversed(whole.split("\n")) if line.strip()), "it wrote nothing")


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let a process that is started inside begin with Ctrl-C held back: until it ignores it, it would end with it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # when it starts, it lets the signals through that it finds held back
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
