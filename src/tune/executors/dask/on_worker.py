"""What a driver has on every worker of a Dask cluster: a plugin that keeps code and images and passes trainings on.

Dask sends this module as its source (see `executor`), since a worker need not have our code: it may use Python's own
library and packages of requirements.txt alone.
"""

import asyncio
import getpass
import hashlib
import os
import platform
import queue
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin, get_worker
from filelock import FileLock, Timeout

SECONDS_BETWEEN_LOOKS = 0.5
START = "from src.tune.executors import worker; worker.attached()"
WORKING = ("running", "paused", "closing_gracefully")


class AbandonedError(Exception):
    """Nobody waits for this training any more."""


class Child:
    """A process that trains one job after the other in one version of the code.

    A process of its own, since Dask draws from Python's random numbers in its worker, on which first weights depend.
    """

    def __init__(self, code: Path, target: str) -> None:
        self.started_as, self.ready = (code, target), False
        self.pipe, theirs = Pipe()
        command = [sys.executable, "-c", START, str(theirs.fileno()), target]
        self.process = subprocess.Popen(command, cwd=code, stdin=subprocess.PIPE, pass_fds=[theirs.fileno()])
        theirs.close()


class Agent(WorkerPlugin):  # type: ignore[misc]  # Dask has no type hints
    """Checks a worker, keeps files there, and answers for the trainings that the driver hands to it."""

    def __init__(self, name: str, wanted: Mapping[str, str], target: str) -> None:
        self.name, self.wanted, self.target = name, wanted, target

    async def setup(self, worker: Any) -> None:
        """Get a worker ready, also one that joins later, and tell the driver whether it is fit."""
        self.worker, self.boxes = worker, dict[str, queue.SimpleQueue[Any]]()
        found = versions(self.wanted)
        other = [f"expected {name} {it}, found {found[name]}" for name, it in self.wanted.items() if it != found[name]]
        # Beside Dask's own folder, which is emptied when the worker ends.
        self.folder = Path(worker.local_directory).parent.parent / f"assay-{getpass.getuser()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.folder.stat().st_uid != os.getuid():  # who could change the code in it
                other.append(f"{self.folder} belongs to another user: start it with another --local-directory")
        except OSError as error:
            other.append(str(error))
        if "assay" not in worker.state.total_resources:
            await worker.set_resources(assay=1)  # one training at a time, whatever number of threads and drivers
        self._introduce(", ".join(other))

    def train(self, token: str, job: bytes, code: str, images: str) -> None:
        """Pass a job to the process that trains, and what either side says to the other; token is the task's key.

        Raises:
            RuntimeError: the process ended.
            OSError: the files cannot be kept here.
        """
        self.boxes[token] = queue.SimpleQueue()
        try:
            self._say("begun", token=token)
            self._have(token, images)
            child = self._child(token, self._have(token, code))
            child.pipe.send_bytes(job)
            while True:
                self._say("said", token=token, said=self._heard(token, child))
                if not (answer := self._next(token)):
                    break
                child.pipe.send_bytes(answer)
            if answer is not None:
                self._end_child()  # it has grown too much
        except AbandonedError:
            self._end_child()  # in the middle of an epoch, perhaps
        finally:
            del self.boxes[token]

    def _child(self, token: str, code: Path) -> Child:
        """Return the process that this worker keeps, another one where it runs other code or is gone."""
        kept: Child | None = getattr(self.worker, "assay_child", None)
        if kept is None or kept.process.poll() is not None or kept.started_as != (code, self.target):
            self._end_child()
            kept = self.worker.assay_child = Child(code, self.target)
        if not kept.ready:
            self._heard(token, kept)
            kept.ready = True
        return kept

    def _end_child(self) -> None:
        if child := self.worker.__dict__.pop("assay_child", None):
            child.process.kill()
            child.process.wait()

    def _heard(self, token: str, child: Child) -> bytes:
        """Wait for what a process says."""
        try:
            while not child.pipe.poll(SECONDS_BETWEEN_LOOKS):
                self._check(token)
            return child.pipe.recv_bytes()
        except (EOFError, OSError):
            raise RuntimeError(f"the training's process ended with code {child.process.wait()}") from None

    def _have(self, token: str, digest: str) -> Path:
        """Return the folder of files with this digest, asking for them unless they are there: workers share them."""
        home = self.folder / digest
        while not home.is_dir():
            try:
                with FileLock(f"{home}.lock", timeout=SECONDS_BETWEEN_LOOKS):
                    if not home.is_dir():
                        self._say("lacks", token=token, digest=digest)
                        self._receive(token, home)
            except Timeout:
                self._check(token)
            except OSError as error:
                self._introduce(str(error))
                raise
        return home

    def _receive(self, token: str, home: Path) -> None:
        """Write the pieces that come; what is never sent of a file reads as zeros and takes no room."""
        part, known = home.with_suffix(".part"), hashlib.sha256()
        shutil.rmtree(part, ignore_errors=True)  # of a worker that was killed
        while pieces := self._next(token):
            for name, offset, content in pieces:
                known.update(f"{name}:{offset}:{len(content)}:".encode() + content)
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                with (part / name).open("r+b" if offset else "wb") as file:
                    file.truncate(offset)
                    file.seek(offset)
                    file.write(content)
        if known.hexdigest() != home.name:
            raise OSError(f"{home}: what arrived has another digest")
        part.rename(home)

    def _next(self, token: str) -> Any:
        """Wait for what the driver says."""
        while True:
            try:
                return self.boxes[token].get(timeout=SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                self._check(token)

    def _check(self, token: str) -> None:
        """Raise where nobody waits: Dask cancels the task where the driver gives it up or goes away."""
        task = self.worker.state.tasks.get(token)
        if not task or task.state not in ("executing", "long-running") or self.worker.status.name not in WORKING:
            raise AbandonedError

    def _introduce(self, unfit: str) -> None:
        about = {"address": self.worker.contact_address, "threads": self.worker.state.nthreads}
        self._say("worker", **about, folder=str(self.folder), unfit=unfit)

    def _say(self, kind: str, **content: Any) -> None:
        self.worker.log_event(self.name, {"kind": kind, **content})


async def deliver(name: str, token: str, content: Any, dask_worker: Any) -> None:
    """Pass something of the driver's to the task that waits for it, pieces of files no faster than it writes them."""
    boxes = dask_worker.plugins[name].boxes
    while token in boxes and boxes[token].qsize() > 1:
        await asyncio.sleep(0.01)
    if token in boxes:
        boxes[token].put(content)


def train(name: str, *given: Any) -> None:
    """Run a job as a task of the cluster."""
    get_worker().plugins[name].train(*given)


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions that are here of Python and of packages."""
    found = {each.name.lower(): each.version for each in distributions()}
    found["python"] = ".".join(platform.python_version_tuple()[:2])
    return {name: found.get(name, "none") for name in names}
