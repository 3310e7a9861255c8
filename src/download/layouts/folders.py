"""A table of labels beside the images; else class folders, CLASS/image, or the same below train, val and test.

Class folders do not tell groups; dataset.group_pattern can read them from the file names.
"""

import re
from collections.abc import Sequence

from src.core.errors import AssayError
from src.download.label_table import find_labels
from src.download.manifest import Entry, fold_of
from src.download.scan import Listing

RENAME = "if it has the labels, call its columns path and label, or correct it and name it in dataset.table"
WITH_CLASS, WITH_FOLD = 2, 3  # parts of CLASS/image and of FOLD/CLASS/image
Parts = tuple[str, ...]  # of a path


def read(files: Listing) -> list[Entry]:
    """Read a table with the usual columns in the source, or else the folders above each image.

    Raises:
        AssayError: the rows of the table do not fit the images, or the images do not lie in class folders.
    """
    entries, unread = find_labels(files)
    if entries is not None:
        files.notes.says += map(str, unread)
        return entries
    near = [str(error) for error in unread if error.near]
    others = [str(error) for error in unread if not error.near]
    try:
        entries = read_class_folders(files)
    except AssayError as error:  # the tables that were not read may be the reason
        raise AssayError("; ".join([str(error), *near, *others, *([RENAME] if unread else [])])) from error
    labels = {entry.label for entry in entries}
    if near and are_parts(labels):
        raise AssayError(f"{near[0]}; and {', '.join(sorted(labels))} look like parts, not classes; {RENAME}")
    files.notes.says += others
    files.notes.doubts += [f"{line}; {RENAME}" for line in near]
    return entries


def read_class_folders(files: Listing) -> list[Entry]:
    """Read label and fold from the folders above each image, and note which; ignore further folders within classes.

    Raises:
        AssayError: images lie outside of class folders, at different depths, or in inner folders that may be classes.
    """
    paths = [tuple(image.split("/")) for image in files.images]
    folded = any(len(path) >= WITH_FOLD and fold_of(path[0]) for path in paths)
    depth = WITH_FOLD if folded else WITH_CLASS
    expected = "train|val|test/CLASS/image" if folded else "CLASS/image"
    if within := _are_within(paths, depth):
        paths = [(*path[: depth - 1], path[-1]) for path in paths]
    if misplaced := [path for path in paths if len(path) != depth or (folded and not fold_of(path[0]))]:
        raise AssayError(
            f"{files.where}: expected {expected} for all {len(paths)} images, "
            f"found {len(misplaced)} elsewhere, such as {'/'.join(misplaced[0])}"
        )
    tops = ", ".join(sorted({path[0] for path in paths}))
    if not folded and all(fold_of(path[0]) for path in paths):
        raise AssayError(
            f"{files.where}: expected class folders below {tops}, found images such as {'/'.join(paths[0])}"
        )
    said = f"class folders{f' in {tops}' if folded else ''}{', ignoring the folders within them' if within else ''}"
    files.notes.says.append(f"{files.where}: {said}")
    found = zip(files.images, paths, strict=True)
    return [Entry(image, path[-2], fold=fold_of(path[0]) or "" if folded else "") for image, path in found]


def _are_within(paths: Sequence[Parts], depth: int) -> bool:
    """Return whether all images lie equally deep within class folders, and no deeper folders may be the classes.

    Deeper folders may be the classes if a name occurs in several upper folders (site1/ill, site2/ill). They are not if
    all have the same name, only divide the images (40X and 100X), or each lie in one class alone (patients).
    """
    lengths = {len(path) for path in paths}
    if len(lengths) != 1 or min(lengths) <= depth:
        return False
    tops = {path[depth - 2] for path in paths}
    for place in range(depth - 1, lengths.pop() - 1):
        pairs = {(path[depth - 2], path[place]) for path in paths}
        names = {name for _, name in pairs}
        if len(names) < len(pairs) and len(names) > 1 and not are_parts(names):
            return False
    return not are_parts(tops)


def are_parts(labels: set[str]) -> bool:
    """Return whether folders only divide the images, such as batch1 and batch2, or train_images and test_images.

    >>> are_parts({"part_1", "part_2"}), are_parts({"train_images", "test_images"}), are_parts({"0", "1"})
    (True, True, False)
    """
    stems = {re.sub(r"\d+", "", label) for label in labels}
    words = [set(re.findall(r"[a-z]+", label.lower())) for label in labels]
    return (len(stems) == 1 and stems != {""}) or all(any(map(fold_of, found)) for found in words)
