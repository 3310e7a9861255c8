"""Read and write files. Outputs are complete or absent: they are written to a temporary file, which is then renamed."""

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

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # errors of writing only, never of reading
CANNOT_WRITE = NO_ROOM | {errno.EACCES, errno.EPERM}
CANNOT_UNZIP = (RuntimeError, NotImplementedError)  # what zipfile raises for a password and an unknown compression


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`: renamed to `path` if the block succeeds, removed if it raises.

    The suffix is kept, since writers choose the format by it. The block may create a file or a folder; an old folder
    at `path` is removed only just before the rename. A temporary file left by a killed process is removed first.

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
    """Write UTF-8 text with Unix line ends, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON; equal values give equal text, and NaN raises ValueError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        AssayError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; run the stage that writes it with `dvc repro`") from error
    except json.JSONDecodeError as error:
        raise AssayError(f"{path}: expected JSON, found something else at line {error.lineno}") from error


def read_csv(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read the lines of a CSV file as dictionaries keyed by the header; cells missing at the end of a line are "".

    Raises:
        AssayError: the file is missing, lacks one of the columns, repeats a column, or is not CSV in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheet programs write a byte order mark
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
    """Return the names that occur more than once in a list, each of them once; empty names are ignored."""
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
    """Write a CSV file in the format of `csv_text`, completely or not at all."""
    write_text(path, csv_text(columns, rows))


def markdown_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows that have the same columns as a Markdown table.

    >>> print(markdown_table([{"a": "1", "b": "x|y"}]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y |
    """
    lines = [rows[0], ["---"] * len(rows[0]), *([cell.replace("|", "\\|") for cell in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def digest(path: Path, hint: str = "run the stage that writes it with `dvc repro`") -> str:
    """Return the sha256 of a file in hexadecimal digits; `hint` tells the user what to do if it does not exist.

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
