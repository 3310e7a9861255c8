"""The parts train, val and test, and split.csv, which assigns each image to one of them."""

from pathlib import Path
from typing import NamedTuple

from src.core import files
from src.core.errors import AssayError

PARTS = ("train", "val", "test")
FITTED = PARTS[:2]  # the parts that training may use


class Place(NamedTuple):
    """A row of the packed store, the part it belongs to, and the group it was assigned by; "" if there is none."""

    row: int
    part: str
    group: str


def read(path: Path, images: int, *, grouped: bool = False) -> list[Place]:
    """Read split.csv, in the order of the file, for a store of `images` images.

    grouped: require the column group.

    Raises:
        AssayError: the file is missing, lacks a column, or names an unknown part, names a row that the store does not
            have, or names a row twice.
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
