"""Tables in Markdown documents, written between markers and left alone elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from src.core.errors import AssayError
from src.core.files import write_text

START, END = "<!-- runs -->", "<!-- /runs -->"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Lay rows of the same columns out as a table.

    >>> print(table([{"a": "1", "b": "x|y"}]))
    | a | b |
    | --- | --- |
    | 1 | x\\|y |
    """
    lines = [rows[0], ["---"] * len(rows[0]), *([cell.replace("|", "\\|") for cell in row.values()] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def insert(path: Path, text: str) -> None:
    """Replace what stands between the two markers of a document.

    Raises:
        AssayError: there is no such document or it has no markers.
    """
    expected = f"{path}: expected the lines {START} and {END}"
    if not path.is_file():
        raise AssayError(f"{expected}, found no file")
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise AssayError(f"{expected}, found no {END if start else START}")
    write_text(path, f"{before}{START}\n{text}\n{END}{after}")
