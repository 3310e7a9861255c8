"""Where a study is kept: a journal file of its own, held by one driver at a time.

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
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from src.core.errors import AssayError

JOURNAL, LOCK = "journal.log", "lock"


@contextmanager
def open_storage(folder: Path) -> Iterator[JournalStorage]:
    """Open the storage of the study of a folder and hold it for this process alone.

    Raises:
        AssayError: another process holds it, or it cannot be read or written.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        said = "another process works on it; wait for its end, or choose another --study"
        raise AssayError(f"study {folder.name}: {said}") from None
    except OSError as error:
        raise AssayError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        yield JournalStorage(Journal(folder / JOURNAL))
    finally:
        lock.release()


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
