"""Where a study is kept: a journal file of its own, or a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage

from src.errors import AssayError
from src.tuning import claiming
from src.tuning.journal import Journal
from src.tuning.naming import EXPECTED, JOURNAL, check_url

LOCK = "lock"
PATIENCE = 10  # seconds to wait for an answer of the server


@contextmanager
def held(name: str, folder: Path, url: str | None) -> Iterator[BaseStorage]:
    """Open the storage of a study and hold it for this process alone.

    Raises:
        AssayError: another process holds it, or it cannot be opened.
    """
    if url is None:
        with claiming.file(folder / LOCK, name):
            yield JournalStorage(Journal(folder / JOURNAL))
    elif check_url(url) == "sqlite":
        place = Path(url.partition(":///")[2])
        with claiming.file(place.with_name(f".{place.name}.{name}.lock"), name):
            yield _database(url)
    else:
        storage = _database(url)
        with claiming.database(storage.engine, name):
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
