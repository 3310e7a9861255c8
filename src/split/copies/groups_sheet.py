"""lookalikes.csv and lookalikes.png: the groups that were found, for a person to check."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from src.core.files import write_csv
from src.core.paths import Raw, SplitFiles
from src.images.contact_sheet import Cell, fit, write_sheet
from src.images.decode import read
from src.split.copies.group import members
from src.split.index import Ints, Rows

GROUPS, MEMBERS = 12, 6  # shown: groups, images of each
PICTURE = 200  # pixels


def write_groups(out: SplitFiles, raw: Raw, rows: Rows) -> None:
    """Write a row per image with its group, and a sheet of some groups' images."""
    groups = members(rows.groups)
    _write_table(out.lookalikes, rows, groups)
    together = [group for group in groups if len(group) > 1]
    chosen = sorted({int(place) for place in np.linspace(0, len(together) - 1, GROUPS)}) if together else []
    cells = [list(_cells(raw, rows, together[place], place + 1)) for place in chosen]
    title = f"{len(together)} groups of several images, by size; {len(groups) - len(together)} images are alone"
    write_sheet(out.copies, cells, title)


def _write_table(path: Path, rows: Rows, groups: list[Ints]) -> None:
    lines = ((row, rows.group[row], len(group), rows.label[row], rows.path[row]) for group in groups for row in group)
    write_csv(path, ("row", "group", "images", "label", "path"), lines)


def _cells(raw: Raw, rows: Rows, group: Ints, number: int) -> Iterator[Cell]:
    for row in group[:MEMBERS].tolist():
        image, _ = read(raw.folder / rows.path[row], float("inf"), keep_damaged=True)
        name = PurePosixPath(str(rows.path[row])).name
        yield Cell(fit(image, PICTURE), f"{number}: {len(group)} images\n{rows.label[row]}\n{name}")
