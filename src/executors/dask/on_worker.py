"""The code that runs inside Dask workers: it checks whether a worker is fit, stores files there, and trains jobs.

Dask sends this module by value (see `executor`), since a worker need not have our code. Besides `child`, which is sent
in the same way, it may use only the standard library and packages of requirements.txt.
"""

import getpass
import os
import platform
import threading
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from distributed import get_worker

from src.executors.child import Child

SECONDS_BETWEEN_LOOKS = 0.5
COMPLETE = "complete"  # a file that is written after all others
BEGUN = b""  # sent in place of an event: the task has the worker to itself


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed versions of Python and of packages, "none" for a missing package."""
    found = {each.name.lower(): each.version for each in distributions()}
    found["python"] = ".".join(platform.python_version_tuple()[:2])
    return {name: found.get(name, "none") for name in names}


def find(digest: str, wanted: Mapping[str, str], dask_worker: Any) -> tuple[Path, bool]:
    """Return the folder for the files of a hash, which outlives the worker, and whether all files are there.

    Raises:
        RuntimeError: the worker is unfit: it has other versions than wanted, or its folder belongs to another user.
    """
    found, place = versions(wanted), Path(dask_worker.local_directory).parents[1] / f"assay-{getpass.getuser()}"
    other = [f"expected {name} {it}, found {found[name]}" for name, it in wanted.items() if it != found[name]]
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.stat().st_uid != os.getuid():  # another user could change the code in it
        other.append(f"{place} belongs to another user: start the worker with another --local-directory")
    if other:
        raise RuntimeError(f"worker {dask_worker.address}: {', '.join(other)}")
    return place / digest, (place / digest / COMPLETE).is_file()


def write(home: Path, pieces: Iterable[tuple[str, int, bytes]]) -> None:
    """Write pieces of files; the parts of a file that are never sent read as zeros and take no disk space.

    Another driver may be writing the same bytes, so files are not emptied first: an empty piece marks a file's end.
    """
    home.mkdir(mode=0o700, exist_ok=True)
    for name, offset, content in pieces:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(content)
            if not content:
                file.truncate()


def answer(token: str, go_on: bool, dask_worker: Any) -> None:
    """Continue the training that reported an epoch, or stop it."""
    child = getattr(dask_worker, "assay_child", None)
    if child and child.token == token:
        child.send(go_on)


def train(topic: str, token: str, job: bytes, code: Path, target: str) -> None:
    """Pass a job to the process that trains, and the events of this process to the driver; token: this task's key.

    Jobs run one at a time, however many threads and drivers the worker has.

    Raises:
        RuntimeError: the process ended.
    """
    worker = get_worker()
    alone = worker.__dict__.setdefault("assay_lock", threading.Lock())
    while not alone.acquire(timeout=SECONDS_BETWEEN_LOOKS):
        if not wanted(worker, token):
            return
    try:
        if wanted(worker, token):
            worker.log_event(topic, {"token": token, "event": BEGUN})
            _pass_on(worker, topic, token, job, (code, target))
    finally:
        alone.release()


def _pass_on(worker: Any, topic: str, token: str, job: bytes, started_as: tuple[Path, str]) -> None:
    child: Child | None = getattr(worker, "assay_child", None)
    if child is None or child.process.poll() is not None or child.started_as != started_as:
        end_child(worker)
        child = worker.assay_child = Child(*started_as)
    child.token, waits = token, True
    try:
        child.pipe.send_bytes(job)
        while waits:
            while not child.pipe.poll(SECONDS_BETWEEN_LOOKS):
                if not wanted(worker, token):
                    return end_child(worker)  # perhaps in the middle of an epoch
            waits, event = child.pipe.recv()
            if event:  # otherwise the process has only loaded what it needs
                worker.log_event(topic, {"token": token, "event": event})
    except (EOFError, OSError):
        cause = child.cause_of_end()
        end_child(worker)  # it may live on without its pipe
        raise RuntimeError(f"the training process ended ({cause})") from None
    if child.grown():
        end_child(worker)
    return None


def wanted(worker: Any, token: str) -> bool:
    """True if a driver waits for the task: Dask cancels it if the driver gives it up or disappears."""
    task = worker.state.tasks.get(token)
    working = worker.status.name in ("running", "paused", "closing_gracefully")
    return bool(working and task and task.state in ("executing", "long-running"))


def end_child(worker: Any) -> None:
    """End the process of a worker, if it has one."""
    if child := worker.__dict__.pop("assay_child", None):
        child.end()
