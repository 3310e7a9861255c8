"""pairs.png: the most alike images of different parts, side by side."""

from pathlib import Path, PurePosixPath

from src.core.partition import PARTS
from src.images.contact_sheet import Cell, write_sheet
from src.images.pixels import Pixels
from src.split.duplicates import BITS, Duplicates, Pair
from src.split.index import Ints, Rows

PAIRS = 12
PER_ROW = 2


def write_pairs(path: Path, rows: Rows, parts: Ints, images: Pixels, duplicates: Duplicates) -> None:
    """Draw the duplicates across parts, the most alike first, filled up with the nearest pairs that are none."""
    exact, near, others = duplicates.exact, duplicates.near, duplicates.others
    kinds = ["exact"] * len(exact) + ["near"] * len(near) + ["no duplicate"] * len(others)
    chosen = list(zip([*exact, *near, *others], kinds, strict=True))[:PAIRS]
    cells = [
        [_cell(rows, parts, images, pair, row, f"{number}: {kind}") for row in (pair.first, pair.second)]
        for number, (pair, kind) in enumerate(chosen, start=1)
    ]
    table = [[cell for pair in cells[start : start + PER_ROW] for cell in pair] for start in range(0, PAIRS, PER_ROW)]
    title = f"Nearest pairs across parts: {len(exact)} exact and {len(near)} near duplicates"
    write_sheet(path, [row for row in table if row], title)


def _cell(rows: Rows, parts: Ints, images: Pixels, pair: Pair, row: int, kind: str) -> Cell:
    name = PurePosixPath(str(rows.path[row])).name
    distance = f"{kind}, {pair.distance} of {BITS}, {pair.correlation:.2f}"
    return Cell(images[row], f"{distance}\n{PARTS[parts[row]]} · {rows.label[row]}\n{name}")
