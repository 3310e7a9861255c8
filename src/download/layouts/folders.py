"""A table of labels beside the images; else class folders, CLASS/image, or the same below train, val and test.

Class folders know no groups; dataset.group_pattern can read them from the file names.
"""

import logging
from collections.abc import Sequence

from src.core.errors import AssayError
from src.download.label_table import Found, find_labels
from src.download.labels import are_parts, read_class_folders
from src.download.manifest import Entry
from src.download.scan import Listing

log = logging.getLogger(__name__)
RENAME = "if it has the labels, call its columns path and label, or put it in order and name it in dataset.table"


def read(files: Listing) -> list[Entry]:
    """Read a table with the usual columns in the source, or else the folders above each image.

    Raises:
        AssayError: the rows of the table do not fit the images, or the images do not lie in class folders.
    """
    entries, found = read_found(files)
    log.info("%s", found.labels.why if found.labels else f"{files.where}: {arrangement(entries)}")
    for line in (*found.unrelated, *(found.near if found.labels else ())):
        log.info("%s", line)
    for line in () if found.labels else found.near:
        log.warning("warning: %s; the folders are taken as classes; %s", line, RENAME)
    return entries


def read_found(files: Listing) -> tuple[list[Entry], Found]:
    """Read as `read` does, with what the tables of the source were found to say, and nothing logged."""
    found = find_labels(files)
    return found.labels.entries if found.labels else _folders(files, found), found


def arrangement(entries: Sequence[Entry]) -> str:
    """Say which folders are taken as classes, from images that have their labels from them."""
    tops = sorted({entry.path.partition("/")[0] for entry in entries})
    said = f"class folders in {', '.join(tops)}" if any(entry.fold for entry in entries) else "class folders"
    deep = entries[0].path.count("/") > 1 + bool(entries[0].fold)
    return f"{said}, whatever folders are within them" if deep else said


def _folders(files: Listing, found: Found) -> list[Entry]:
    try:
        entries = read_class_folders(files)
    except AssayError as error:
        reasons = (*found.near, *found.unrelated)
        raise AssayError("; ".join([str(error), *reasons, *([RENAME] if reasons else [])])) from error
    labels = {entry.label for entry in entries}
    if found.near and are_parts(labels):
        raise AssayError(f"{found.near[0]}; and {', '.join(sorted(labels))} look like parts, not classes; {RENAME}")
    return entries
