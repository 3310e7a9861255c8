"""Train, val and test, and split.csv, which names the part of each image."""

from pathlib import Path
from typing import NamedTuple

from src.core import files
from src.core.errors import AssayError

PARTS = ("train", "val", "test")
FITTED = PARTS[:2]  # what a training may see


class Place(NamedTuple):
    """A row of the packed store, the part that it is in, and the group that it was divided by, "" if there is none."""

    row: int
    part: str
    group: str


def read(path: Path, images: int, *, grouped: bool = False) -> list[Place]:
    """Read split.csv for a store of so many images, in the order of the file.

    grouped: the column group has to be there.

    Raises:
        AssayError: the file is missing, lacks a column, or has a line with an unknown part or with a row that is no
            row of the store or stands in another line too.
    """
    lines: dict[int, int] = {}
    places = []
    columns = ("row", "part", "group") if grouped else ("row", "part")
    for line, entry in enumerate(files.read_csv(path, columns), start=2):
        row = files.whole_number(entry["row"], f"{path}, line {line}, row")
        if row >= images:
            raise AssayError(f"{path}: expected rows below {images} as in index.csv, found {row}")
        if lines.setdefault(row, line) != line:
            raise AssayError(f"{path}, line {line}: expected each row once, found {row} in line {lines[row]} too")
        if entry["part"] not in PARTS:
            raise AssayError(f"{path}, line {line}: expected the part {', '.join(PARTS)}, found {entry['part']!r}")
        places.append(Place(row, entry["part"], entry.get("group", "")))
    return places
