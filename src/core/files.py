"""Outputs that are either whole or absent: write to a temporary neighbour, then rename."""

import csv
import errno
import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from src.core.errors import AssayError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # only writing can fail so, never reading
CANNOT_WRITE = NO_ROOM | {errno.EACCES, errno.EPERM}
CANNOT_UNZIP = (RuntimeError, NotImplementedError)  # what zipfile raises for a password and an unknown compression


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    The suffix is kept, since writers choose the format by it. Works for a file and for a folder
    that the block makes; a folder that stood at `path` gives way only then. What a killed process left is removed.

    Raises:
        AssayError: the folder cannot be written to, or the disk is full.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        yield temporary
        if temporary.is_dir():
            _remove(path)
        temporary.replace(path)
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        raise AssayError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            _remove(temporary)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON that is the same for the same value; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        AssayError: the file is missing or holds no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; run the stage that writes it with `dvc repro`") from error
    except json.JSONDecodeError as error:
        raise AssayError(f"{path}: expected JSON, found something else at line {error.lineno}") from error


def read_csv(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read the lines of a CSV file by the names in the first one; cells that a short line lacks are "".

    Raises:
        AssayError: the file is missing, lacks one of the columns, or is no CSV in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets begin it with a byte order mark
            reader = csv.DictReader(file, restval="")
            names = reader.fieldnames or ()
            lines = list(reader)
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; run the stage that writes it with `dvc repro`") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AssayError(f"{path}: expected a CSV file in UTF-8, found something else ({error})") from error
    if not set(columns) <= set(names):
        raise AssayError(f"{path}: expected the columns {', '.join(columns)}, found {', '.join(names) or 'none'}")
    if twice := repeated(names):
        raise AssayError(f"{path}: expected each column once, found {', '.join(twice)} more than once")
    return lines


def repeated(names: Sequence[str]) -> list[str]:
    """Return the names that stand in a list more than once, each of them once; empty names aside."""
    return [name for name, count in Counter(names).items() if name and count > 1]


def whole_number(text: str, where: str) -> int:
    """Read a whole number of at least 0; `where` names its place in errors.

    Raises:
        AssayError: the text is something else.
    """
    if not (text.isascii() and text.isdigit()):
        raise AssayError(f"{where}: expected a whole number, found {text!r}")
    return int(text)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def csv_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a CSV table with Unix line ends; None becomes an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((columns, *rows))
    return text.getvalue()


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file as `csv_text` lays it out, whole or not at all."""
    write_text(path, csv_text(columns, rows))


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Lay rows of the same columns out as a table in Markdown.

    >>> print(markdown_table([{"a": "1", "b": "x|y"}]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y |
    """
    lines = [rows[0], ["---"] * len(rows[0]), *([cell.replace("|", "\\|") for cell in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def digest(path: Path, hint: str = "run the stage that writes it with `dvc repro`") -> str:
    """Return the sha256 of a file in hexadecimal digits; `hint` says what to do where there is none.

    Raises:
        AssayError: there is no such file.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; {hint}") from error


def digest_of(content: str | bytes) -> str:
    """Return the sha256 of a text in UTF-8, or of bytes, in hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
