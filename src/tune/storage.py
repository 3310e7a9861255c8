"""Where a study is kept: a journal file of its own or a database, held by one driver at a time.

Optuna's own journal is not enough: where the disk is full it keeps half a line, to which the next record is glued, and
after a kill it waits half a minute for a lock that nobody holds any more. The lock here is the system's, which releases
it even when its process is killed.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from src.core.errors import AssayError
from src.core.random_streams import derive
from src.tune.request import EXPECTED, JOURNAL, check_url

LOCK = "lock"
PATIENCE = 10  # seconds to wait for an answer of the server
LOCK_SEED = 0  # of the lock's number, so that two studies of one database do not share it


@contextmanager
def open_storage(name: str, folder: Path, url: str | None) -> Iterator[BaseStorage]:
    """Open the storage of a study and hold it for this process alone.

    Raises:
        AssayError: another process holds it, or it cannot be opened.
    """
    if url is None:
        with _file_lock(folder / LOCK, name):
            yield JournalStorage(Journal(folder / JOURNAL))
    elif check_url(url) == "sqlite":
        place = Path(url.partition(":///")[2])
        with _file_lock(place.with_name(f".{place.name}.{name}.lock"), name):
            yield _database(url)
    else:
        storage = _database(url)
        with _database_lock(storage.engine, name):
            yield storage


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Turn what a database complains about into a line."""
    try:
        yield
    except Exception as error:
        cause = _of_database(error)
        if cause is None:
            raise
        lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [type(cause).__name__]
        raise AssayError(f"{where}: the study cannot be read or written: {lines[0][:300]}") from error


def _of_database(error: BaseException | None) -> BaseException | None:
    """Find the complaint of the database among an error and its causes."""
    while error is not None:
        module = type(error).__module__.partition(".")[0]
        if module == "sqlalchemy" and getattr(error, "orig", None) is not None:
            return error.orig  # type: ignore[attr-defined,no-any-return]
        if module in ("sqlalchemy", "psycopg", "sqlite3") and not error.__cause__:
            return error
        if isinstance(error, StorageInternalError) and not error.__cause__:
            return error
        error = error.__cause__ or error.__context__
    return None


def _database(url: str) -> Any:
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    waiting = {"connect_timeout": PATIENCE} if check_url(url) == "postgresql" else {"timeout": PATIENCE}
    try:
        return RDBStorage(url, engine_kwargs={"connect_args": waiting, "pool_pre_ping": True})
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise AssayError(f"--storage: expected {EXPECTED}, found {url}") from error
    except ImportError as error:
        raise AssayError(f"--storage: {error}; `make setup` installs psycopg") from error


@contextmanager
def _file_lock(path: Path, name: str) -> Iterator[None]:
    """Lock the file of a study.

    Raises:
        AssayError: another process holds it, or the folder cannot be written to.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise AssayError(_held_elsewhere(name)) from None
    except OSError as error:
        raise AssayError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _database_lock(engine: Any, name: str) -> Iterator[None]:
    """Take an advisory lock of PostgreSQL as long as the connection lives; other machines see it as well.

    Raises:
        AssayError: another driver holds it.
    """
    from sqlalchemy import text

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # else it goes back to the pool, and the lock stays
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": derive(LOCK_SEED, name)}).scalar():
            raise AssayError(_held_elsewhere(name))
        yield


def _held_elsewhere(name: str) -> str:
    return f"study {name}: another process works on it; wait for its end, or choose another --study"


class Journal(JournalFileBackend):
    """Optuna's journal for the one driver that holds the study's lock: a record is written whole or taken back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        mend(path)
        super().__init__(str(path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records and have them on the disk before returning.

        Raises:
            AssayError: the disk is full, or the file cannot be written to.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        try:
            _append(self.path, lines)
        except OSError as error:
            raise AssayError(f"{self.path}: cannot be written ({error.strerror})") from error


def mend(path: Path) -> None:
    """Make the file if there is none, and cut off a last line that was not written to its end.

    Raises:
        AssayError: the file cannot be written to, or a line before the last one is damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.seek(0)
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                file.truncate(whole)
    except OSError as error:
        raise AssayError(f"{path}: cannot be written ({error.strerror})") from error
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        found = None
        with suppress(ValueError):
            found = json.loads(line)
        if not isinstance(found, dict):
            damage = "expected a record of the study, found damage; choose another --study"
            raise AssayError(f"{path}: line {number}: {damage}")


def _append(path: Path, lines: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        end = os.fstat(descriptor).st_size
        try:
            written = 0
            while written < len(lines):
                written += os.write(descriptor, lines[written:])
            os.fsync(descriptor)
        except BaseException:  # an interruption as well
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
