"""What params.yaml may say about any data set: how names tell the patient, and which classes are one."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from src.config import GROUP
from src.core.errors import AssayError, suggestion
from src.download.manifest import Entry, fold_of
from src.download.scan import Listing

WITH_CLASS = 2
WITH_FOLD = 3

NEEDED = ("path", "label")
MAX_HEAD = 2**16  # bytes of the first line
OPTIONAL = ("group", "fold")


def regroup(entries: Sequence[Entry], pattern: str, where: str) -> list[Entry]:
    """Read each group from the name: of the file, or of the path where the pattern holds a slash.

    Raises:
        AssayError: a name does not match, or the group in it is empty; the message tells how many and one of them.
    """
    expression = re.compile(pattern)
    groups = [_group(expression, entry.path) for entry in entries]
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


def _group(expression: re.Pattern[str], path: str) -> str:
    match = expression.search(path if "/" in expression.pattern else path.rpartition("/")[2])
    return (match[GROUP] or "").strip() if match else ""


def read_class_folders(files: Listing) -> list[Entry]:
    """Read label and fold from the folders above each image.

    Raises:
        AssayError: images lie outside of class folders, deeper than these, or partly below fold folders.
    """
    parts = [tuple(image.split("/")) for image in files.images]
    folded = any(len(path) == WITH_FOLD and fold_of(path[0]) for path in parts)
    _refuse_misplaced(parts, WITH_FOLD if folded else WITH_CLASS, files.where)
    if folded:
        return [Entry("/".join(path), label=path[1], fold=fold_of(path[0]) or "") for path in parts]
    if all(fold_of(path[0]) for path in parts):
        raise AssayError(
            f"{files.where}: expected class folders below {', '.join(sorted({path[0] for path in parts}))}, "
            f"found images such as {'/'.join(parts[0])}"
        )
    return [Entry("/".join(path), label=path[0]) for path in parts]


def _refuse_misplaced(parts: list[tuple[str, ...]], depth: int, where: str) -> None:
    misplaced = [path for path in parts if len(path) != depth or (depth == WITH_FOLD and not fold_of(path[0]))]
    if misplaced:
        expected = "train|val|test/CLASS/image" if depth == WITH_FOLD else "CLASS/image"
        raise AssayError(
            f"{where}: expected {expected} for all {len(parts)} images, "
            f"found {len(misplaced)} elsewhere, such as {'/'.join(misplaced[0])}"
        )


def find(files: Listing) -> str:
    """Find the CSV, of any name, that stands at the top and whose head names path and label; "" if there is none.

    Raises:
        AssayError: there are several, or a CSV at the top cannot be read.
    """
    tops = sorted(name for name in files.files if "/" not in name and name.lower().endswith(".csv"))
    tables = [name for name in tops if _names_labels(files, name)]
    if len(tables) > 1:
        raise AssayError(
            f"{files.where}: expected one CSV with the columns {', '.join(NEEDED)}, found {', '.join(tables)}"
        )
    return tables[0] if tables else ""


def _names_labels(files: Listing, table: str) -> bool:
    """Tell whether the first line, whatever the encoding of the rest, names the columns of a table of labels."""
    with files.files[table].open("rb") as file:
        first = file.readline(MAX_HEAD).decode("utf-8-sig", errors="replace")
    return all(name in first for name in NEEDED) and set(NEEDED) <= set(files.head(table))


def read(files: Listing, table: str) -> list[Entry]:
    """Read an entry from each row; paths are relative to the CSV, and images without a row are left out.

    Raises:
        AssayError: a row names a missing file or one twice, has no label or an unknown fold.
    """
    images = frozenset(files.images)
    lines: dict[str, int] = {}
    found: list[Entry] = []
    for line, row in files.numbered(table, NEEDED, OPTIONAL):
        where = f"{files.where}: {table}, line {line}"
        entry = _entry(row, images, where)
        if entry.path in lines:
            raise AssayError(f"{where}: expected each image once, found {entry.path} in line {lines[entry.path]} too")
        lines[entry.path] = line
        found.append(entry)
    if not found:
        raise AssayError(f"{files.where}: {table}: expected a row for each image, found none")
    return found


def _entry(row: dict[str, str], images: frozenset[str], where: str) -> Entry:
    path = unicodedata.normalize("NFC", row["path"].replace("\\", "/")).removeprefix("./")
    if path not in images:
        raise AssayError(
            f"{where}: expected the path of an image, relative to the CSV, found no image at {row['path']!r}"
            f"{suggestion(path, images)}"
        )
    if not row["label"]:
        raise AssayError(f"{where}: {path}: expected a label, found an empty cell")
    fold = fold_of(row["fold"]) if row["fold"] else ""
    if fold is None:
        raise AssayError(f"{where}: {path}: expected the fold train, val, test or none, found {row['fold']!r}")
    return Entry(path, row["label"], row["group"], fold)
