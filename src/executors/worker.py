"""The program that runs in a `Child`: load TensorFlow once, and train one job after another."""

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
LONGEST = 300  # characters of a reason
READY = b""  # sent in place of an event: the process has loaded what it needs


def main() -> None:
    """Train each job that arrives, with its folder, through a pipe (the first argument), until stdin is closed.

    Events go back pickled, since a Dask worker lacks our modules; a flag beside each is True if more are to follow.
    """
    console.log_to_stderr()
    pipe = connection.Connection(int(sys.argv[1]))
    tqdm.set_lock(threading.RLock())  # its default, a system semaphore, causes a warning if the process is killed
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
    """Train a job; an error inside it becomes the reason of its failure."""
    try:
        return run(job, report, home)
    except AssayError as error:
        return Failed(job.number, str(error))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except MemoryError:
        return Failed(job.number, "out of memory")
    except Exception as error:  # one failing trial must not end the study
        log.exception("trial %d", job.number)
        first = [*str(error).strip().splitlines(), ""][0]
        return Failed(job.number, f"{type(error).__name__}: {first[:LONGEST]}")


def _target(target: str) -> Run:
    """Return the function that trains: `training.run`, which imports TensorFlow, or the one named "module:name"."""
    if not target:
        from src.executors import training  # a plain import, so that `make deps` finds it

        return training.run
    module, _, name = target.partition(":")
    function: Run = getattr(importlib.import_module(module), name)
    return function


def _end_with(sentinel: int) -> None:
    """Exit at once when the driver or the Dask worker is gone, for any reason, even in the middle of an epoch."""
    connection.wait([sentinel])
    os._exit(ORPHANED)
