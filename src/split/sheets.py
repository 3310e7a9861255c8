"""For a person to check: pairs.png, the most alike images across parts; lookalikes.csv and .png, the groups found."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from src.core.files import write_csv
from src.core.partition import PARTS
from src.core.paths import Raw, SplitFiles
from src.images.contact_sheet import Cell, fit, write_sheet
from src.images.decode import read
from src.images.pixels import Pixels
from src.split.copies import members
from src.split.duplicates import BITS, Duplicates
from src.split.index import Ints, Rows

PAIRS, PER_ROW = 12, 2
GROUPS, MEMBERS = 12, 6  # shown: groups, images of each
PICTURE = 200  # pixels


def write_pairs(path: Path, rows: Rows, parts: Ints, images: Pixels, duplicates: Duplicates) -> None:
    """Draw the duplicates across parts, the most alike first, filled up with the nearest pairs that are none."""
    kinds = {"exact": duplicates.exact, "near": duplicates.near, "no duplicate": duplicates.others}
    chosen = [(pair, kind) for kind, pairs in kinds.items() for pair in pairs][:PAIRS]
    cells: list[Cell] = []
    for number, (pair, kind) in enumerate(chosen, start=1):
        said = f"{number}: {kind}, {pair.distance} of {BITS}, {pair.correlation:.2f}"
        for row in (pair.first, pair.second):
            name = PurePosixPath(str(rows.path[row])).name
            cells.append(Cell(images[row], f"{said}\n{PARTS[parts[row]]} · {rows.label[row]}\n{name}"))
    width = 2 * PER_ROW
    title = f"Nearest pairs across parts: {len(duplicates.exact)} exact and {len(duplicates.near)} near duplicates"
    write_sheet(path, [cells[start : start + width] for start in range(0, len(cells), width)], title)


def write_groups(out: SplitFiles, raw: Raw, rows: Rows) -> None:
    """Write a row per image with its group, and a sheet of some groups' images."""
    groups = members(rows.groups)
    lines = ((row, rows.group[row], len(group), rows.label[row], rows.path[row]) for group in groups for row in group)
    write_csv(out.lookalikes, ("row", "group", "images", "label", "path"), lines)
    together = [group for group in groups if len(group) > 1]
    chosen = sorted({int(place) for place in np.linspace(0, len(together) - 1, GROUPS)}) if together else []
    cells = [list(_cells(raw, rows, together[place], place + 1)) for place in chosen]
    title = f"{len(together)} groups of several images, by size; {len(groups) - len(together)} images are alone"
    write_sheet(out.copies, cells, title)


def _cells(raw: Raw, rows: Rows, group: Ints, number: int) -> Iterator[Cell]:
    for row in group[:MEMBERS].tolist():
        image, _ = read(raw.folder / rows.path[row], float("inf"), keep_damaged=True)
        name = PurePosixPath(str(rows.path[row])).name
        yield Cell(fit(image, PICTURE), f"{number}: {len(group)} images\n{rows.label[row]}\n{name}")
