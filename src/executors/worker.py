"""A process that loads TensorFlow once and trains one job after the other, for this machine or a Dask worker."""

import importlib
import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any

from tqdm import tqdm

from src.core import console
from src.core.errors import AssayError
from src.executors.protocol import Epoch, Failed, Finished, Job, Row

log = logging.getLogger(__name__)
Run = Callable[[Job, Callable[[Row], bool], Path], Finished]
ORPHANED = 1
LONGEST = 300  # letters of a reason


@dataclass(frozen=True)
class Ready:
    """The worker has loaded what it needs."""


class PickledEvents:
    """A pipe to a Dask worker, which lacks our modules: it gets events as bytes, and whether they need an answer."""

    def __init__(self, pipe: Any) -> None:
        self._pipe, self.recv = pipe, pipe.recv

    def send(self, event: object) -> None:
        """Send an event, which Ready is not."""
        if not isinstance(event, Ready):
            self._pipe.send((isinstance(event, Epoch), pickle.dumps(event)))


def serve(pipe: Any, output: Path, target: str | None) -> None:
    """Train the jobs of a driver on this machine; target names another function, for tests."""
    _write_to(output)
    driver = parent_process()
    assert driver is not None
    _train(pipe, target, driver.sentinel)


def attached() -> None:
    """Train the jobs of a Dask worker, which holds the other end of a pipe (the first argument) and of stdin."""
    console.log_to_stderr()
    _train(PickledEvents(connection.Connection(int(sys.argv[1]))), sys.argv[2] or None, sys.stdin.fileno())


def _train(pipe: Any, target: str | None, sentinel: int) -> None:
    """Train each job that comes through the pipe with its folder, until whoever sent them is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the driver decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, of which a killed process leaves a warning
    threading.Thread(target=_end_with, args=(sentinel,), daemon=True).start()
    run = _target(target)
    pipe.send(Ready())
    try:
        while True:
            job, home = pipe.recv()

            def report(row: Row, number: int = job.number) -> bool:
                pipe.send(Epoch(number, dict(row)))
                return bool(pipe.recv())

            pipe.send(train_job(run, job, report, Path(home)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def train_job(run: Run, job: Job, report: Callable[[Row], bool], home: Path) -> Finished | Failed:
    """Train a job; what goes wrong inside becomes the reason of its failure."""
    try:
        return run(job, report, home)
    except AssayError as error:
        return Failed(job.number, str(error))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except MemoryError:
        return Failed(job.number, "out of memory")
    except Exception as error:  # one trial's fault must not end the study
        log.exception("trial %d", job.number)
        first = [*str(error).strip().splitlines(), ""][0]
        return Failed(job.number, f"{type(error).__name__}: {first[:LONGEST]}")


def _target(target: str | None) -> Run:
    """Return the function that trains: a trial's, with which comes TensorFlow, or one by its module and name."""
    if target is None:
        from src.executors import training  # an import, since stages depend on what is imported

        return training.run
    module, _, name = target.partition(":")
    function: Run = getattr(importlib.import_module(module), name)
    return function


def _write_to(output: Path) -> None:
    """Redirect everything that is written, by TensorFlow's native code as well, to a file."""
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    console.log_to_stderr()


def _end_with(sentinel: int) -> None:
    """Leave at once when the driver or the Dask worker is gone, however it went, also in the middle of an epoch."""
    connection.wait([sentinel])
    os._exit(ORPHANED)
