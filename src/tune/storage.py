"""The storage of a study: a journal file of its own, locked by one driver at a time.

Optuna's own journal is not enough: on a full disk it leaves half a line, to which the next record is appended, and
after a kill it waits half a minute for a stale lock. The lock used here belongs to the operating system, which releases
it even if the process is killed.
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
    """Open the storage of the study in a folder, and lock it for this process.

    Raises:
        AssayError: another process has locked it, or it cannot be read or written.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        said = "another process works on it; wait until it ends, or choose another --study"
        raise AssayError(f"study {folder.name}: {said}") from None
    except OSError as error:
        raise AssayError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        yield JournalStorage(Journal(folder / JOURNAL))
    finally:
        lock.release()


class Journal(JournalFileBackend):
    """Optuna's journal for the one driver that holds the study's lock: a record is written completely or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        mend(path)
        super().__init__(str(path))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records, and flush them to the disk before returning.

        Raises:
            AssayError: the disk is full, or the file cannot be written to.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs).encode()
        try:
            _append(self.path, lines)
        except OSError as error:
            raise AssayError(f"{self.path}: cannot be written ({error.strerror})") from error


def mend(path: Path) -> None:
    """Create the file if it is missing, and cut off an incomplete last line.

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
        except BaseException:  # an interrupt as well
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)
