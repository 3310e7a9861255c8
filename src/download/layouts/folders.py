"""A table of labels beside the images; else class folders, CLASS/image, or the same below train, val and test.

Class folders know no groups; dataset.group_pattern can read them from the file names.
"""

import logging
import re

from src.core.errors import AssayError
from src.download.label_table import Found, find_labels
from src.download.labels import read_class_folders
from src.download.manifest import Entry, fold_of
from src.download.scan import Listing

log = logging.getLogger(__name__)
RENAME = "if it has the labels, call its columns path and label, or put it in order and name it in dataset.table"


def read(files: Listing) -> list[Entry]:
    """Read a table with the usual columns in the source, or else the folders above each image.

    Raises:
        AssayError: the rows of the table do not fit the images, or the images do not lie in class folders.
    """
    found = find_labels(files)
    if found.labels:
        log.info("%s", found.labels.why)
    entries = found.labels.entries if found.labels else _folders(files, found)
    for line in (*found.unrelated, *(found.near if found.labels else ())):
        log.info("%s", line)
    for line in () if found.labels else found.near:
        log.warning("warning: %s; the folders are taken as classes; %s", line, RENAME)
    return entries


def _folders(files: Listing, found: Found) -> list[Entry]:
    try:
        entries = read_class_folders(files)
    except AssayError as error:
        reasons = (*found.near, *found.unrelated)
        raise AssayError("; ".join([str(error), *reasons, *([RENAME] if reasons else [])])) from error
    labels = {entry.label for entry in entries}
    if found.near and _are_parts(labels):
        raise AssayError(f"{found.near[0]}; and {', '.join(sorted(labels))} look like parts, not classes; {RENAME}")
    return entries


def _are_parts(labels: set[str]) -> bool:
    """Tell folders that only divide the images: batch1 and batch2, train_images and test_images.

    >>> _are_parts({"part_1", "part_2"}), _are_parts({"train_images", "test_images"}), _are_parts({"0", "1"})
    (True, True, False)
    """
    stems = {re.sub(r"\d+", "", label) for label in labels}
    words = [set(re.findall(r"[a-z]+", label.lower())) for label in labels]
    return (len(stems) == 1 and stems != {""}) or all(any(map(fold_of, found)) for found in words)
