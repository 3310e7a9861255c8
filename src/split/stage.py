"""The split stage: divide the images, audit the parts, log what the audit found.

It writes pictures for a person to check: pairs.png, the most alike images across parts, and with `by: lookalike` the
groups that were found, lookalikes.csv and lookalikes.png.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from src.config import Split
from src.core.errors import AssayError
from src.core.files import write_csv, write_json
from src.core.partition import PARTS
from src.core.paths import Prepared, Raw, SplitFiles
from src.images.contact_sheet import Cell, fit, write_sheet
from src.images.decode import read
from src.images.pixels import Pixels
from src.images.store import open_images, open_thumbnails
from src.split.assign import divide
from src.split.audit import Copies, leaks, make_audit
from src.split.duplicates import BITS, Duplicates, find_duplicates, hash_images, same_pixels
from src.split.index import Ints, Rows, read_rows
from src.split.lookalikes import find, join, members
from src.split.shortcuts import measure

log = logging.getLogger(__name__)
PAIRS, PER_ROW = 12, 2  # pairs shown on pairs.png, and pairs in one row of it
GROUPS, MEMBERS = 12, 6  # groups shown on lookalikes.png, and images shown of each
PICTURE = 200  # pixels


def run(raw: Raw, prepared: Prepared, out: SplitFiles, section: Split, seed: int) -> None:
    """Write the part of every row of the store, what the audit found, and a sheet of the nearest pairs.

    With `by: lookalike` the original images are read, and the groups found are written too.

    Raises:
        AssayError: the images cannot be divided as asked; or `leaks: fail` is set and a group or an image is in two
            parts. The latter is raised after everything is written, so that a person can look.
    """
    rows, images = read_rows(prepared), open_images(prepared)
    copies = None
    if section.by == "lookalike":
        rows, copies = _with_lookalikes(rows, raw, out)
    parts = divide(rows, section, seed)
    lines = ((row, PARTS[part], rows.group[row]) for row, part in enumerate(parts.tolist()))
    write_csv(out.parts, ("row", "part", "group"), lines)
    hashes = hash_images(images, open_thumbnails(prepared))
    duplicates = find_duplicates(hashes, parts, PAIRS)
    contradictions = same_pixels(hashes.contents, rows.classes)
    audit = make_audit(rows, parts, section, duplicates, measure(rows, images, seed), copies, contradictions)
    write_json(out.audit, audit)
    _write_pairs(out.sheet, rows, parts, images, duplicates)
    for name in PARTS:
        counts = [f"{row['class']} {row['images']}" for row in audit["parts"] if row["part"] == name]
        log.info("%s: %s", name, ", ".join(counts))
    for line in audit["warnings"]:
        log.warning("warning: %s", line)
    if section.leaks == "fail" and leaks(audit):
        raise AssayError(
            f"split.leaks: fail: {audit['groups_in_two_parts']} groups, {audit['exact_duplicates']} exact and "
            f"{audit['near_duplicates']} near duplicates stand in two parts; see {out.audit} and {out.sheet}, "
            "then mend the data set or set split.leaks: warn"
        )


def _with_lookalikes(rows: Rows, raw: Raw, out: SplitFiles) -> tuple[Rows, Copies]:
    """Merge the known groups with the groups of images that are copies of one source."""
    found = find([raw.folder / path for path in rows.path.tolist()])
    joined = replace(rows, group=join(rows.group, rows.path, found.links))
    _write_groups(out, raw, joined)
    return joined, Copies(found.compared, len(found.links), int((rows.group != "").sum()))


def _write_pairs(path: Path, rows: Rows, parts: Ints, images: Pixels, duplicates: Duplicates) -> None:
    """Draw the duplicates across parts, exact ones first, then the nearest pairs that are not duplicates."""
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


def _write_groups(out: SplitFiles, raw: Raw, rows: Rows) -> None:
    """Write a table with the group of each image, and a sheet with images of some groups."""
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
