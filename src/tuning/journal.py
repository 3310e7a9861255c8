"""The file that a study is kept in: a line for each change, whole or absent, also on a full disk."""

import json
import os
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from src.errors import AssayError


class Journal(JournalFileBackend):
    """Optuna's journal for the one driver that holds the study's lock.

    Optuna's own keeps half a line where the disk was full, to which the next record is glued, and waits half a minute
    for the lock of a killed process. Here a record that cannot be written whole is taken back.
    """

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
        _check(path, number, line)


def _check(path: Path, number: int, line: bytes) -> None:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AssayError(f"{path}: line {number}: expected a record of the study, found damage; choose another --study")


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
