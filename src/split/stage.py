"""The split stage: divide the images, audit the parts, log what the audit found."""

import logging
from dataclasses import replace

from src.config import Split
from src.core.errors import AssayError
from src.core.files import write_csv, write_json
from src.core.partition import PARTS
from src.core.paths import Prepared, Raw, SplitFiles
from src.images.store import open_images, open_thumbnails
from src.split.assign import divide
from src.split.audit import Copies, leaks, make_audit
from src.split.copies import find, join
from src.split.duplicates import find_duplicates, hash_images, same_pixels
from src.split.index import Rows, read_rows
from src.split.sheets import PAIRS, write_groups, write_pairs
from src.split.shortcuts import measure

log = logging.getLogger(__name__)


def run(raw: Raw, prepared: Prepared, out: SplitFiles, section: Split, seed: int) -> None:
    """Write which row of the store belongs to which part, what the audit found, and a sheet of the nearest pairs.

    With `by: lookalike` the images as obtained are read, and the groups found are written too.

    Raises:
        AssayError: the images cannot be divided as asked; or `leaks: fail` and a group or an image stands in two
            parts, which is said after everything is written, so that a person can look.
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
    write_pairs(out.sheet, rows, parts, images, duplicates)
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
    """Join the known groups with those of the images that are copies of one source."""
    found = find([raw.folder / path for path in rows.path.tolist()])
    joined = replace(rows, group=join(rows.group, rows.path, found.links))
    write_groups(out, raw, joined)
    return joined, Copies(found.compared, len(found.links), int((rows.group != "").sum()))
