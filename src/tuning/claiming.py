"""One driver for a study: the lock that it holds, released by the system even when it is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from src.errors import AssayError
from src.seeds import derive

KEYS = 0  # of the lock's number, so that two studies of one database do not share it


@contextmanager
def file(path: Path, name: str) -> Iterator[None]:
    """Hold the lock file of a study.

    Raises:
        AssayError: another process holds it, or the folder cannot be written to.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise AssayError(_taken(name)) from None
    except OSError as error:
        raise AssayError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def database(engine: Any, name: str) -> Iterator[None]:
    """Hold an advisory lock of PostgreSQL as long as the connection lives; other machines see it as well.

    Raises:
        AssayError: another driver holds it.
    """
    from sqlalchemy import text

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # else it goes back to the pool, and the lock stays
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": derive(KEYS, name)}).scalar():
            raise AssayError(_taken(name))
        yield


def _taken(name: str) -> str:
    return f"study {name}: another process works on it; wait for its end, or choose another --study"
