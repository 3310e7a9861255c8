"""What runs in a `Child`: load TensorFlow once, and train one job after the other."""

import importlib
import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import connection
from pathlib import Path

from tqdm import tqdm

from src.core import console
from src.core.errors import AssayError
from src.executors.protocol import Epoch, Failed, Finished, Job, Row

log = logging.getLogger(__name__)
Run = Callable[[Job, Callable[[Row], bool], Path], Finished]
ORPHANED = 1
LONGEST = 300  # letters of a reason
READY = b""  # in place of an event: the process has loaded what it needs


def main() -> None:
    """Train each job that comes through a pipe (the first argument) with its folder, until stdin is closed.

    An event goes back as bytes, since a Dask worker lacks our modules, and with whether it needs an answer.
    """
    console.log_to_stderr()
    pipe = connection.Connection(int(sys.argv[1]))
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, of which a killed process leaves a warning
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    run = _target(sys.argv[2])
    pipe.send((True, READY))

    def report(number: int, row: Row) -> bool:
        pipe.send((True, pickle.dumps(Epoch(number, dict(row)))))
        return bool(pipe.recv())

    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job, home = pipe.recv()
            pipe.send((False, pickle.dumps(train_job(run, job, partial(report, job.number), Path(home)))))


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


def _target(target: str) -> Run:
    """Return the function that trains: a trial's, with which comes TensorFlow, or one by its module and name."""
    if not target:
        from src.executors import training  # an import, since stages depend on what is imported

        return training.run
    module, _, name = target.partition(":")
    function: Run = getattr(importlib.import_module(module), name)
    return function


def _end_with(sentinel: int) -> None:
    """Leave at once when the driver or the Dask worker is gone, however it went, also in the middle of an epoch."""
    connection.wait([sentinel])
    os._exit(ORPHANED)
