"""A process that trains one job after the other, as who started it sees it: the local executor or a Dask worker.

Dask sends this module as its source (see `dask.executor`), since a worker need not have our code: it may use Python's
own library and packages of requirements.txt alone.
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
LIMIT = 512.0  # megabytes above what a process held after its first job, from which on it is replaced
LEAST_JOBS = 10  # before that a process is kept: one large model after a small one is no leak
SECONDS_TO_END = 1.0  # for a process that has closed its pipe


class Child:
    """A process that trains jobs with the code of a folder, and the pipe to it: `worker` says what goes through that.

    It ends with whoever started it, since that holds the other end of its standard input. In a process group of its
    own it hears no Ctrl-C, which reaches the whole terminal: the driver decides. It is no thread of a Dask worker,
    since Dask draws there from Python's random numbers, on which first weights depend.
    """

    def __init__(self, code: Path, target: str, output: IO[bytes] | None = None) -> None:
        """Start the process; `target` names another function than a training's, for tests."""
        self.started_as, self.token = (code, target), ""  # the token names the Dask task that it works for
        self.pipe, theirs = Pipe()
        path = os.pathsep.join([str(code), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(theirs.fileno()), target], pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=output, stderr=output, process_group=0,
        )  # fmt: skip
        theirs.close()  # else the end of the process would not be seen
        self._jobs, self._first = 0, 0.0

    def send(self, message: Any) -> None:
        """Send a job or an answer; to a process that died nothing, as what is heard from it will say."""
        with suppress(OSError):
            self.pipe.send(message)

    def grown(self) -> bool:
        """Look at what the process holds after a job, and return whether it has grown so much that it is replaced."""
        try:
            megabytes = psutil.Process(self.process.pid).memory_info().rss / MEGABYTE
        except psutil.Error:  # it has ended, as will be seen
            return False
        self._jobs += 1
        self._first = self._first or megabytes
        return self._jobs >= LEAST_JOBS and megabytes - self._first > LIMIT

    def end(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()

    def cause_of_end(self) -> str:
        """Return the signal or the exit code by which a process ended that has closed its pipe."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS_TO_END)
        code = self.process.returncode
        if code == -signal.SIGKILL:
            return "SIGKILL, as the system does where memory runs out"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
