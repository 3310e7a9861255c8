"""Tables as people save them, with commas, semicolons or tabs, in UTF-8 or not, and which image a cell means."""

import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from src.core.errors import AssayError, suggestion
from src.core.files import repeated

MAX_TEXT = 100 * 2**20  # bytes
MAX_COLUMNS = 10_000  # each is compared with the others, and with the images
DELIMITERS = ",;\t|"
SUFFIXES = frozenset({".csv", ".tsv"})
SPREADSHEETS = frozenset({".xlsx", ".xls", ".ods"})
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Table:
    """A table with a header line; each row has its line number and its cells by column, without outer spaces."""

    where: str  # names it in errors
    folder: str  # what the paths in it are relative to, below the source
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    wrong_byte: int | None = None  # position of the first byte that is not UTF-8: the file was read as Windows-1252

    def column(self, name: str) -> list[str]:
        """Return the cells of a column."""
        return [row[name] for _, row in self.rows]

    def check(self, names: Iterable[str]) -> None:
        """Refuse repeated columns, and non-ASCII text in an unknown encoding.

        Raises:
            AssayError: one of these columns appears twice, or holds non-ASCII text although the table is not UTF-8.
        """
        names = frozenset(names)
        if twice := repeated([name for name in self.columns if name in names]):
            raise AssayError(f"{self.where}: expected each column once, found {', '.join(twice)} more than once")
        if self.wrong_byte is None:
            return
        if not all(text.isascii() for name in names for text in (name, *self.column(name))):
            raise AssayError(
                f"{self.where}: expected UTF-8, found other bytes at {self.wrong_byte}; save it as CSV UTF-8"
            )


class Index:
    """Finds the image that a cell means: by its path, or by its name with or without suffix, in any folder."""

    def __init__(self, images: Sequence[str], folder: str) -> None:
        self.images = frozenset(images)
        self.example = images[0] if images else ""
        self._prefixes = (f"{folder}/", "") if folder else ("",)
        self._folders = {PurePosixPath(image).parent.name for image in images}
        self._names: dict[str, list[str]] = defaultdict(list)
        for image in images:
            name = image.rpartition("/")[2]
            for key in {name, PurePosixPath(name).stem}:
                self._names[key].append(image)

    def find(self, cell: str, *, by_name: bool = True) -> list[str]:
        """Return the images that a cell may mean: one if it is clear. Paths are relative to the table or the source."""
        posix = unicodedata.normalize("NFC", cell.replace("\\", "/"))
        exact = (prefix + posix.removeprefix("./") for prefix in self._prefixes)
        if found := [image for image in exact if image in self.images][:1]:
            return found
        if not (cell and by_name):
            return []
        path = PurePosixPath(posix)
        named = self._names.get(path.name, [])
        if (folder := path.parent.name) not in self._folders:  # no folder, or one of another machine
            return named
        return [image for image in named if PurePosixPath(image).parent.name == folder or not folder]

    def image(self, cell: str, strict: bool, where: str) -> str | None:
        """Return the image that a cell means, or None.

        Raises:
            AssayError: two images have this name, or with `strict`, the path leads to no image.
        """
        found = self.find(cell, by_name=not strict)
        if len(found) > 1:
            raise AssayError(f"{where}: expected the name of one image, {cell!r} may be {found[0]} or {found[1]}")
        if strict and not found:
            expected = "expected the path of an image, relative to the CSV, found no image at"
            raise AssayError(f"{where}: {expected} {cell!r}{suggestion(cell, self.images)}")
        return found[0] if found else None


def read_table(path: Path, name: str, where: str) -> Table:
    """Read a whole table; `name` is its path below the source.

    Raises:
        AssayError: the file is too large for a table of images, is a spreadsheet, or has a quote that is never closed.
    """
    at = f"{where}: {name}" if where else name
    if path.suffix.lower() in SPREADSHEETS:
        raise AssayError(f"{at}: expected a CSV, found a spreadsheet; save it as CSV UTF-8 and put that in its place")
    if path.stat().st_size > MAX_TEXT:
        raise AssayError(f"{at}: expected a text file below {MAX_TEXT >> 20} MB")
    text, wrong = _text(path.read_bytes())
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text), strict=True)
    try:
        columns = tuple(cell.strip() for cell in next(reader, ()))
        if (width := len(columns)) > MAX_COLUMNS:
            raise AssayError(f"{at}: expected at most {MAX_COLUMNS} columns, found {width}; keep those that matter")
        lines = [(reader.line_num, [cell.strip() for cell in row[:width]]) for row in reader]
    except csv.Error as error:
        raise AssayError(f"{at}: expected CSV, found {error}") from error
    empty = dict.fromkeys(columns, "")
    rows = ((line, empty | dict(zip(columns, cells, strict=False))) for line, cells in lines if any(cells))
    return Table(at, name.rpartition("/")[0], columns, tuple(rows), wrong)


def head_line(path: Path) -> list[str]:
    """Return the columns that the first line names, even if the rest of the table cannot be read."""
    with path.open("rb") as file:
        text = _text(file.readline(2**16))[0]
    return [cell.strip(' "\r\n') for cell in text.split(delimiter(text))]


def delimiter(text: str) -> str:
    r"""Return the delimiter of the columns: the one that is most frequent in the first line, outside of quotes.

    >>> delimiter("Path;Label\n1,5.png;ill"), delimiter('id\t"a,b,c"\n'), delimiter("path")
    (';', '\t', ',')
    """
    plain = "".join(text.lstrip("\n").partition("\n")[0].split('"')[::2])
    return max(DELIMITERS, key=plain.count)


def _text(data: bytes) -> tuple[str, int | None]:
    """Decode a file, as Windows-1252 if it is not UTF-8, with the position of the first byte that is not."""
    if encoding := MARKS.get(data[:2]):
        return data.decode(encoding, errors="replace"), None
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        return data.decode("cp1252", errors="replace"), error.start
