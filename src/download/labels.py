"""What params.yaml may say about any data set: how names tell the patient, and which classes are one."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from src.config import GROUP
from src.core.errors import AssayError, suggestion
from src.download.manifest import Entry, fold_of
from src.download.scan import Listing

WITH_CLASS = 2
WITH_FOLD = 3


def regroup(entries: Sequence[Entry], pattern: str, where: str) -> list[Entry]:
    """Read each group from the name: of the file, or of the path where the pattern holds a slash.

    Raises:
        AssayError: a name does not match, or the group in it is empty; the message tells how many and one of them.
    """
    expression = re.compile(pattern)
    groups = [group_of(expression, entry.path) for entry in entries]
    strangers = [entry.path for entry, group in zip(entries, groups, strict=True) if not group]
    if strangers:
        raise AssayError(
            f"{where}: dataset.group_pattern: expected {pattern!r} to find a group in each of {len(entries)} names, "
            f"found none in {len(strangers)}, such as {strangers[0]}"
        )
    return [replace(entry, group=group) for entry, group in zip(entries, groups, strict=True)]


def merge(entries: Sequence[Entry], merged: Mapping[str, str], where: str) -> list[Entry]:
    """Put each label's merged one in its place.

    Raises:
        AssayError: a label is not in the mapping, or the mapping names one that no image has.
    """
    labels = Counter(entry.label for entry in entries)
    unknown = [label for label in merged if label not in labels]
    if unknown:
        raise AssayError(
            f"{where}: dataset.merge: expected labels of the data set ({', '.join(sorted(labels))}), "
            f"found {unknown[0]!r}{suggestion(unknown[0], labels)}"
        )
    missing = sorted(label for label in labels if label not in merged)
    if missing:
        raise AssayError(f"{where}: dataset.merge: expected every label of the data set, found no {', '.join(missing)}")
    return [replace(entry, label=merged[entry.label]) for entry in entries]


def merge_counts(counts: Mapping[str, int], merged: Mapping[str, str]) -> Counter[str]:
    """Add up the counts of merged labels; a label that the mapping does not name stays.

    >>> merge_counts({"a": 1, "b": 2, "c": 4}, {"a": "ab", "b": "ab"})
    Counter({'c': 4, 'ab': 3})
    """
    total: Counter[str] = Counter()
    for label, count in counts.items():
        total[merged.get(label, label)] += count
    return total


def group_of(expression: re.Pattern[str], path: str) -> str:
    """Return the group in the name of a file, or in its path where the pattern holds a slash; "" where none is."""
    match = expression.search(path if "/" in expression.pattern else path.rpartition("/")[2])
    return (match[GROUP] or "").strip() if match else ""


def read_class_folders(files: Listing) -> list[Entry]:
    """Read label and fold from the folders above each image; folders within those of the classes are seen through.

    Raises:
        AssayError: images lie outside of class folders, at different depths, or in folders that may be the classes too.
    """
    parts = [tuple(image.split("/")) for image in files.images]
    folded = any(len(path) >= WITH_FOLD and fold_of(path[0]) for path in parts)
    depth = WITH_FOLD if folded else WITH_CLASS
    if _are_within(parts, depth):
        parts = [(*path[: depth - 1], path[-1]) for path in parts]
    _refuse_misplaced(parts, depth, files.where)
    pairs = list(zip(files.images, parts, strict=True))
    if folded:
        return [Entry(image, label=path[1], fold=fold_of(path[0]) or "") for image, path in pairs]
    if all(fold_of(path[0]) for path in parts):
        raise AssayError(
            f"{files.where}: expected class folders below {', '.join(sorted({path[0] for path in parts}))}, "
            f"found images such as {'/'.join(parts[0])}"
        )
    return [Entry(image, label=path[0]) for image, path in pairs]


def _are_within(parts: Sequence[tuple[str, ...]], depth: int) -> bool:
    """Return whether all images lie equally deep within class folders, and no deeper folder may be the class instead.

    Such a one would stand in several class folders (site1/ill, site2/ill); one that is everywhere, those that only
    divide (40X and 100X), and those of one class alone (patients) may not.
    """
    lengths = {len(path) for path in parts}
    if len(lengths) != 1 or min(lengths) <= depth:
        return False
    tops = {path[depth - 2] for path in parts}
    for place in range(depth - 1, lengths.pop() - 1):
        pairs = {(path[depth - 2], path[place]) for path in parts}
        names = {name for _, name in pairs}
        if len(names) < len(pairs) and len(names) > 1 and not are_parts(names):
            return False
    return not are_parts(tops)


def are_parts(labels: set[str]) -> bool:
    """Tell folders that only divide the images: batch1 and batch2, train_images and test_images.

    >>> are_parts({"part_1", "part_2"}), are_parts({"train_images", "test_images"}), are_parts({"0", "1"})
    (True, True, False)
    """
    stems = {re.sub(r"\d+", "", label) for label in labels}
    words = [set(re.findall(r"[a-z]+", label.lower())) for label in labels]
    return (len(stems) == 1 and stems != {""}) or all(any(map(fold_of, found)) for found in words)


def _refuse_misplaced(parts: list[tuple[str, ...]], depth: int, where: str) -> None:
    misplaced = [path for path in parts if len(path) != depth or (depth == WITH_FOLD and not fold_of(path[0]))]
    if misplaced:
        expected = "train|val|test/CLASS/image" if depth == WITH_FOLD else "CLASS/image"
        raise AssayError(
            f"{where}: expected {expected} for all {len(parts)} images, "
            f"found {len(misplaced)} elsewhere, such as {'/'.join(misplaced[0])}"
        )
