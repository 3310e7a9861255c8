"""Labels from a CSV at the top of a source: path, label and, if known, group and fold."""

import unicodedata

from src.datasets.entries import Entry, fold_of
from src.datasets.listing import Listing
from src.errors import AssayError
from src.nearest import suggestion

NEEDED = ("path", "label")
OPTIONAL = ("group", "fold")


def find(files: Listing) -> str:
    """Find the CSV, of any name, that stands at the top and whose head names path and label; "" if there is none.

    Raises:
        AssayError: there are several, or a CSV at the top cannot be read.
    """
    tops = sorted(name for name in files.files if "/" not in name and name.lower().endswith(".csv"))
    tables = [name for name in tops if set(NEEDED) <= set(files.head(name))]
    if len(tables) > 1:
        raise AssayError(
            f"{files.where}: expected one CSV with the columns {', '.join(NEEDED)}, found {', '.join(tables)}"
        )
    return tables[0] if tables else ""


def read(files: Listing, table: str) -> list[Entry]:
    """Read an entry from each row; paths are relative to the CSV, and images without a row are left out.

    Raises:
        AssayError: a row names a missing file or one twice, has no label or an unknown fold.
    """
    images = frozenset(files.images)
    lines: dict[str, int] = {}
    found: list[Entry] = []
    for line, row in files.numbered(table, NEEDED, OPTIONAL):
        where = f"{files.where}: {table}, line {line}"
        entry = _entry(row, images, where)
        if entry.path in lines:
            raise AssayError(f"{where}: expected each image once, found {entry.path} in line {lines[entry.path]} too")
        lines[entry.path] = line
        found.append(entry)
    if not found:
        raise AssayError(f"{files.where}: {table}: expected a row for each image, found none")
    return found


def _entry(row: dict[str, str], images: frozenset[str], where: str) -> Entry:
    path = unicodedata.normalize("NFC", row["path"].replace("\\", "/")).removeprefix("./")
    if path not in images:
        raise AssayError(
            f"{where}: expected the path of an image, relative to the CSV, found no image at {row['path']!r}"
            f"{suggestion(path, images)}"
        )
    if not row["label"]:
        raise AssayError(f"{where}: {path}: expected a label, found an empty cell")
    fold = fold_of(row["fold"]) if row["fold"] else ""
    if fold is None:
        raise AssayError(f"{where}: {path}: expected the fold train, val, test or none, found {row['fold']!r}")
    return Entry(path, row["label"], row["group"], fold)
