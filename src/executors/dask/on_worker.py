"""What runs within the workers of a Dask cluster: a look whether they are fit, files that are kept, tasks that train.

Dask sends this module as its source (see `executor`), since a worker need not have our code: it may use Python's own
library and packages of requirements.txt alone.
"""

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

from distributed import WorkerPlugin, get_worker

from src.executors.worker_memory import MemoryGrowth

SECONDS_BETWEEN_LOOKS = 0.5
START = "from src.executors import worker; worker.attached()"


class Fitness(WorkerPlugin):  # type: ignore[misc]
    """Marks each worker, those that join later as well, with a resource of the plugin's name where it is fit.

    Raises:
        RuntimeError: it is not, and why; Dask tells the driver if the worker was there, else its own log.
    """

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self.wanted, self.name = wanted, f"assay {' '.join(wanted.values())}"  # one of all drivers that want the same

    async def setup(self, worker: Any) -> None:
        found, place = versions(self.wanted), folder(worker)
        other = [f"expected {name} {it}, found {found[name]}" for name, it in self.wanted.items() if it != found[name]]
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.stat().st_uid != os.getuid():  # who could change the code in it
            other.append(f"{place} belongs to another user: start it with another --local-directory")
        if other:
            unfit = f"worker {worker.address}: {', '.join(other)}"
            worker.log_event(self.name, {"unfit": unfit})
            raise RuntimeError(unfit)
        # One training at a time, whatever number of threads and drivers.
        more = {} if "assay" in worker.state.total_resources else {"assay": 1}
        await worker.set_resources(**{self.name: 1}, **more)


def folder(worker: Any) -> Path:
    """Return where a worker keeps files when it ends; below local_directory Dask deletes them."""
    return Path(worker.local_directory).parents[1] / f"assay-{getpass.getuser()}"


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions that are here of Python and of packages."""
    found = {each.name.lower(): each.version for each in distributions()}
    found["python"] = ".".join(platform.python_version_tuple()[:2])
    return {name: found.get(name, "none") for name in names}


def find(digest: str, dask_worker: Any) -> tuple[Path, bool]:
    """Return where the files of a hash are kept, and whether they are there."""
    home = folder(dask_worker) / digest
    return home, home.is_dir()


def write(part: str, pieces: Iterable[tuple[str, int, bytes]], dask_worker: Any) -> None:
    """Write pieces of files; what is never sent of a file reads as zeros and takes no room."""
    home = Path(dask_worker.local_directory, part)
    home.mkdir(mode=0o700, exist_ok=True)
    for name, offset, content in pieces:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        with (home / name).open("r+b" if offset else "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            file.write(content)


def finish(part: str, home: Path, dask_worker: Any) -> None:
    """Give complete files the name under which they are found, unless another driver did so meanwhile."""
    written = Path(dask_worker.local_directory, part)
    try:
        written.rename(home)
    except OSError:
        if not home.is_dir():
            raise
        shutil.rmtree(written, ignore_errors=True)


def answer(token: str, go_on: bool, dask_worker: Any) -> None:
    """Continue the training that reported an epoch, or stop it."""
    child = getattr(dask_worker, "assay_child", None)
    if child and child.token == token:
        child.pipe.send(go_on)


class AbandonedError(Exception):
    """Nobody waits for this training any more."""


class Child:
    """A process that trains one job after the other; `token` names the task that it does it for.

    A process of its own, since Dask draws from Python's random numbers in its worker, on which first weights depend.
    """

    def __init__(self, code: Path, target: str) -> None:
        self.started_as, self.ready, self.token = (code, target), False, ""
        self.pipe, theirs = Pipe()
        command = [sys.executable, "-c", START, str(theirs.fileno()), target]
        self.process = subprocess.Popen(command, cwd=code, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()])
        self.growth = MemoryGrowth(self.process.pid)
        theirs.close()


class Task:
    """Passes a job to the process that trains, and what this tells to the driver; token: the task's key."""

    def __init__(self, topic: str, token: str) -> None:
        self.topic, self.token, self.worker = topic, token, get_worker()

    def run(self, job: bytes, code: Path, target: str) -> None:
        """Train a job.

        Raises:
            RuntimeError: the process ended.
        """
        self._tell(b"")
        try:
            child, waits = self._child(code, target), True
            child.pipe.send_bytes(job)
            while waits:
                waits, event = self._received(child)
                self._tell(event)
            if child.growth.exceeded():
                self._end_child()
        except AbandonedError:
            self._end_child()  # in the middle of an epoch, perhaps

    def _child(self, code: Path, target: str) -> Child:
        """Return the process that this worker keeps, another one where it runs other code or is gone."""
        kept: Child | None = getattr(self.worker, "assay_child", None)
        if kept is None or kept.process.poll() is not None or kept.started_as != (code, target):
            self._end_child()
            kept = self.worker.assay_child = Child(code, target)
        if not kept.ready:
            self._received(kept)
            kept.ready = True
        kept.token = self.token
        return kept

    def _end_child(self) -> None:
        if child := self.worker.__dict__.pop("assay_child", None):
            child.process.kill()
            child.process.wait()

    def _received(self, child: Child) -> Any:
        """Wait for what a process sends: whether more comes after it, and an event.

        Raises:
            AbandonedError: nobody waits: Dask cancels the task where the driver gives it up or goes away.
            RuntimeError: the process ended.
        """
        try:
            while not child.pipe.poll(SECONDS_BETWEEN_LOOKS):
                task = self.worker.state.tasks.get(self.token)
                working = self.worker.status.name in ("running", "paused", "closing_gracefully")
                if not (working and task and task.state in ("executing", "long-running")):
                    raise AbandonedError
            return child.pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError(f"the training's process ended with code {child.process.wait()}") from None

    def _tell(self, event: bytes) -> None:
        self.worker.log_event(self.topic, {"token": self.token, "event": event})
