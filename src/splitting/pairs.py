"""pairs.png: the most alike images of different parts, side by side."""

from pathlib import Path, PurePosixPath

from src.imaging.pixels import Pixels
from src.imaging.sheet import Cell, write_sheet
from src.splitting.duplicates import Duplicates, Pair
from src.splitting.looks import BITS
from src.splitting.rows import PARTS, Ints, Rows

PAIRS = 12
PER_ROW = 2


def write_pairs(path: Path, rows: Rows, parts: Ints, images: Pixels, duplicates: Duplicates) -> None:
    """Draw the duplicates across parts, the most alike first, filled up with the nearest pairs that are none."""
    exact, near, others = duplicates.exact, duplicates.near, duplicates.others
    shown = [*exact, *near, *others][:PAIRS]
    cells = [[_cell(rows, parts, images, pair, row) for row in (pair.first, pair.second)] for pair in shown]
    table = [
        [cell for pair in cells[start : start + PER_ROW] for cell in pair] for start in range(0, len(cells), PER_ROW)
    ]
    title = f"Nearest pairs across parts: {len(exact)} exact and {len(near)} near duplicates"
    write_sheet(path, table, title if exact or near else f"{title}, none of these is one")


def _cell(rows: Rows, parts: Ints, images: Pixels, pair: Pair, row: int) -> Cell:
    kind = f"distance {pair.distance} of {BITS}, likeness {pair.likeness:.2f}" if pair.distance else "the same pixels"
    name = PurePosixPath(str(rows.path[row])).name
    return Cell(images[row], f"{PARTS[parts[row]]} · {rows.label[row]}\n{name}\n{kind}")
