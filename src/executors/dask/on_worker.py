"""What runs within the workers of a Dask cluster: a look at them, files that are kept there, and the task that trains.

Dask sends this module as its source (see `executor`), since a worker need not have our code: it may use Python's own
library and packages of requirements.txt alone.
"""

import asyncio
import getpass
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from distributed import Queue, get_client, get_worker

from src.executors.worker_memory import MemoryGrowth

SECONDS_BETWEEN_LOOKS = 0.5
START = "from src.executors import worker; worker.attached()"


async def prepare(wanted: Mapping[str, str], dask_worker: Any) -> dict[str, Any]:
    """Get a worker ready; return its threads, folders for files and for parts of them, and why it is unfit if it is."""
    found, parts = versions(wanted), Path(dask_worker.local_directory)  # which Dask deletes when the worker ends
    other = [f"expected {name} {it}, found {found[name]}" for name, it in wanted.items() if it != found[name]]
    folder = parts.parent.parent / f"assay-{getpass.getuser()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():  # who could change the code in it
        other.append(f"{folder} belongs to another user: start it with another --local-directory")
    while dask_worker.status.name == "init":
        await asyncio.sleep(0.05)
    if "assay" not in dask_worker.state.total_resources:
        await dask_worker.set_resources(assay=1)  # one training at a time, whatever number of threads and drivers
    return {"threads": dask_worker.state.nthreads, "folder": folder, "parts": parts, "unfit": ", ".join(other)}


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions that are here of Python and of packages."""
    found = {each.name.lower(): each.version for each in distributions()}
    found["python"] = ".".join(platform.python_version_tuple()[:2])
    return {name: found.get(name, "none") for name in names}


def write(part: Path, pieces: Iterable[tuple[str, int, bytes]]) -> None:
    """Write pieces of files; what is never sent of a file reads as zeros and takes no room."""
    part.mkdir(mode=0o700, exist_ok=True)
    for name, offset, content in pieces:
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        with (part / name).open("r+b" if offset else "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(content)


def finish(part: Path, home: Path) -> None:
    """Give complete files the name under which they are found, unless another driver did so meanwhile."""
    try:
        part.rename(home)
    except OSError:
        if not home.is_dir():
            raise
        shutil.rmtree(part, ignore_errors=True)


class AbandonedError(Exception):
    """Nobody waits for this training any more."""


class Child:
    """A process that trains one job after the other.

    A process of its own, since Dask draws from Python's random numbers in its worker, on which first weights depend.
    """

    def __init__(self, code: Path, target: str) -> None:
        self.started_as, self.ready = (code, target), False
        self.pipe, theirs = Pipe()
        command = [sys.executable, "-c", START, str(theirs.fileno()), target]
        self.process = subprocess.Popen(command, cwd=code, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()])
        self.growth = MemoryGrowth(self.process.pid)
        theirs.close()


class Task:
    """Passes a job to the process that trains, and on what it and the driver tell each other.

    token: the task's key, and the name of the queue of answers.
    """

    def __init__(self, topic: str, token: str) -> None:
        self.topic, self.token, self.worker = topic, token, get_worker()

    def run(self, job: bytes, code: Path, target: str) -> None:
        """Train a job.

        Raises:
            RuntimeError: the process ended.
        """
        self._tell(b"")
        answers, waits = Queue(self.token, client=get_client()), True
        try:
            child = self._child(code, target)
            child.pipe.send_bytes(job)
            while waits:
                waits, event = self._received(child)
                self._tell(event)
                if waits:
                    child.pipe.send(self._answer(answers))
            if child.growth.exceeded():
                self._end_child()
        except AbandonedError:
            self._end_child()  # in the middle of an epoch, perhaps
        finally:
            answers.close()

    def _child(self, code: Path, target: str) -> Child:
        """Return the process that this worker keeps, another one where it runs other code or is gone."""
        kept: Child | None = getattr(self.worker, "assay_child", None)
        if kept is None or kept.process.poll() is not None or kept.started_as != (code, target):
            self._end_child()
            kept = self.worker.assay_child = Child(code, target)
        if not kept.ready:
            self._received(kept)
            kept.ready = True
        return kept

    def _end_child(self) -> None:
        if child := self.worker.__dict__.pop("assay_child", None):
            child.process.kill()
            child.process.wait()

    def _received(self, child: Child) -> Any:
        """Wait for what a process sends: whether it waits for an answer, and an event."""
        try:
            while not child.pipe.poll(SECONDS_BETWEEN_LOOKS):
                self._check()
            return child.pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError(f"the training's process ended with code {child.process.wait()}") from None

    def _answer(self, answers: Queue) -> Any:
        while True:
            try:
                return answers.get(timeout=SECONDS_BETWEEN_LOOKS)
            except TimeoutError:
                self._check()

    def _check(self) -> None:
        """Raise where nobody waits: Dask cancels the task where the driver gives it up or goes away."""
        task = self.worker.state.tasks.get(self.token)
        working = self.worker.status.name in ("running", "paused", "closing_gracefully")
        if not (working and task and task.state in ("executing", "long-running")):
            raise AbandonedError

    def _tell(self, event: bytes) -> None:
        self.worker.log_event(self.topic, {"token": self.token, "event": event})
