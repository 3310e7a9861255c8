"""A process that trains one job after another, seen from its parent: the local executor or a Dask worker.

Dask sends this module by value (see `dask.executor`), since a worker need not have our code: it may use only the
standard library and packages of requirements.txt.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import IO, Any

import psutil

START = "from src.executors import worker; worker.main()"
MEGABYTE = 2**20
LIMIT = 512.0  # megabytes: a process that has grown by more than this since its first job is replaced
LEAST_JOBS = 10  # a process is kept for at least so many jobs: a large model after a small one is no leak
SECONDS_TO_END = 1.0  # for a process that has closed its pipe


class Child:
    """A process that trains jobs with the code of a folder, and the pipe to it; `worker` defines the messages.

    It ends with its parent, which holds the other end of its standard input. It has a process group of its own, so that
    Ctrl-C in the terminal does not reach it: the driver decides. It is not a thread of a Dask worker, since Dask draws
    from Python's random numbers there, on which the initial weights depend.
    """

    def __init__(self, code: Path, target: str, output: IO[bytes] | None = None) -> None:
        """Start the process; `target` names a function to run in place of the training, for tests."""
        self.started_as, self.token = (code, target), ""  # the token names the Dask task that it works for
        self.pipe, theirs = Pipe()
        path = os.pathsep.join([str(code), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(theirs.fileno()), target], pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=output, stderr=output, process_group=0,
        )  # fmt: skip
        theirs.close()  # otherwise the end of the process would go unnoticed
        self._jobs, self._first = 0, 0.0

    def send(self, message: Any) -> None:
        """Send a job or an answer; if the process has died, do nothing: reading from the pipe reports that."""
        with suppress(OSError):
            self.pipe.send(message)

    def grown(self) -> bool:
        """Measure the memory of the process after a job; True if it has grown so much that it should be replaced."""
        try:
            megabytes = psutil.Process(self.process.pid).memory_info().rss / MEGABYTE
        except psutil.Error:  # it has ended, which the next read reports
            return False
        self._jobs += 1
        self._first = self._first or megabytes
        return self._jobs >= LEAST_JOBS and megabytes - self._first > LIMIT

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()
        if self.process.stdin:
            self.process.stdin.close()

    def cause_of_end(self) -> str:
        """Return the signal that ended a process which has closed its pipe, or its exit code."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS_TO_END)
        code = self.process.returncode
        if code == -signal.SIGKILL:
            return "SIGKILL, which the system sends when memory runs out"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
