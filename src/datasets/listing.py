"""What a layout gets to see of a source: relative posix paths, and the text of small files among them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from src import files
from src.errors import AssayError

MAX_TEXT = 100 * 2**20


@dataclass(frozen=True)
class Listing:
    """The files of a source; `where` names it in errors."""

    files: Mapping[str, Path]
    images: tuple[str, ...]
    where: str

    def text(self, path: str) -> str:
        """Read a small text file in UTF-8.

        Raises:
            AssayError: it is missing, is too large for a table of images, or is not UTF-8.
        """
        file = self.files.get(path)
        if file is None:
            raise AssayError(f"{self.where}: expected the file {path}, found no such file")
        if file.stat().st_size > MAX_TEXT:
            raise AssayError(f"{self.where}: {path}: expected a text file below {MAX_TEXT >> 20} MB")
        try:
            return file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise AssayError(f"{self.where}: {path}: expected UTF-8, found other bytes at {error.start}") from error

    def table(self, path: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """Read these columns of a CSV file with a head line, stray spaces stripped.

        Raises:
            AssayError: as `text`, or a column is missing or there twice, or a quote is never closed.
        """
        return [row for _, row in self.numbered(path, columns)]

    def numbered(
        self, path: str, columns: Sequence[str], optional: Sequence[str] = ()
    ) -> list[tuple[int, dict[str, str]]]:
        """Read as `table` does, each row with its line number in the file; an optional column may be missing: "".

        Raises:
            AssayError: as `table`.
        """
        lines, head = self._lines(path), self.head(path)
        missing = [name for name in columns if name not in head]
        if missing:
            raise AssayError(
                f"{self.where}: {path}: expected the columns {', '.join(columns)}, "
                f"found {', '.join(head) or 'nothing'} (no {', '.join(missing)})"
            )
        if twice := files.repeated([name for name in head if name in (*columns, *optional)]):
            raise AssayError(
                f"{self.where}: {path}: expected each column once, found {', '.join(twice)} more than once"
            )
        places = {name: head.index(name) for name in (*columns, *optional) if name in head}
        blank = {name: "" for name in optional if name not in head}
        return [
            (line, {name: row[place].strip() if place < len(row) else "" for name, place in places.items()} | blank)
            for line, row in lines[1:]
            if any(cell.strip() for cell in row)
        ]

    def head(self, path: str) -> list[str]:
        """Give the names of the columns of a CSV file.

        Raises:
            AssayError: as `text`, or a quote is never closed.
        """
        lines = self._lines(path)
        return [name.strip() for name in lines[0][1]] if lines else []

    def _lines(self, path: str) -> list[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(self.text(path)), strict=True)
        try:
            return [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise AssayError(f"{self.where}: {path}: expected CSV, found {error}") from error
