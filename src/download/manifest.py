"""The manifest, one row per image: the entries of a layout, what params.yaml changes in them, checks, and the table."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from src.config import GROUP
from src.core.errors import AssayError, suggestion
from src.core.files import write_csv

SPELLINGS = {"train": "train training", "val": "val valid validation", "test": "test testing"}
FOLDS = {word: fold for fold, words in SPELLINGS.items() for word in words.split()}
CLASSES_NEEDED = 2
COLUMNS = ("path", "label", "group", "fold")


@dataclass(frozen=True, order=True)
class Entry:
    """An image: its path below the source (posix), its class, its patient or slide, the source's own split.

    extra: further facts that the source gives, such as sex or device; they become columns of the manifest.
    """

    path: str
    label: str
    group: str = ""
    fold: str = ""
    extra: tuple[tuple[str, str], ...] = field(default=(), compare=False)


def fold_of(word: str) -> str | None:
    """Return train, val or test for a word that data sets use for it.

    >>> fold_of("Validation"), fold_of("CT_COVID")
    ('val', None)
    """
    return FOLDS.get(word.strip().lower())


def check(entries: Sequence[Entry], where: str, positive: str | None = None, reserved: Collection[str] = ()) -> None:
    """Refuse entries that later stages cannot use.

    Raises:
        AssayError: there is no image, only one class, two classes that differ only in case, a label with a control
            character (as from a cell with two lines), no positive class, or an image or folder with a reserved name.
    """
    counts = Counter(entry.label for entry in entries)
    if not counts:
        raise AssayError(f"{where}: expected images of at least two classes, the layout found none")
    if len(counts) < CLASSES_NEEDED:
        raise AssayError(f"{where}: expected at least two classes, found only {_counted(counts)}")
    for label in sorted(counts):
        if any(unicodedata.category(letter) == "Cc" for letter in label):
            raise AssayError(f"{where}: expected labels of one line without control characters, found {label!r}")
    spelled: dict[str, str] = {}
    for label in sorted(counts):
        other = spelled.setdefault(label.strip().lower(), label)
        if other != label:
            raise AssayError(f"{where}: expected one spelling for each class, found {other!r} and {label!r}")
    if positive is not None and positive not in counts:
        known = sorted(counts)
        hint = suggestion(positive, known)
        raise AssayError(f"dataset.positive: expected one of {', '.join(known)}, or null; found {positive!r}{hint}")
    for entry in entries:
        if (top := entry.path.partition("/")[0]).lower() in reserved:
            raise AssayError(
                f"{where}: expected nothing named {top}, which the stage download writes, found {entry.path}; rename it"
            )


def write(entries: Sequence[Entry], path: Path) -> None:
    """Write a manifest, sorted by path: path, label, group, fold, and all extra columns."""
    extra = dict.fromkeys(name for entry in entries for name, _ in entry.extra)
    rows = (
        (entry.path, entry.label, entry.group, entry.fold, *(dict(entry.extra).get(name, "") for name in extra))
        for entry in sorted(entries)
    )
    write_csv(path, (*COLUMNS, *extra), rows)


def write_counts(entries: Sequence[Entry], listed: Mapping[str, int], path: Path) -> None:
    """Write the number of images of each class, and the number in the source's own table (empty without one)."""
    counts = Counter(entry.label for entry in entries)
    labels = sorted(counts.keys() | listed.keys())
    rows = ((label, counts[label], listed.get(label, 0) if listed else "") for label in labels)
    write_csv(path, ("label", "images", "listed"), rows)


def summary(entries: Sequence[Entry]) -> str:
    """Summarize a manifest: images, classes, groups, folds.

    >>> summary([Entry("a/1.png", "a", "P1", "train"), Entry("b/1.png", "b", "P2", "test")])
    '2 images: a 1, b 1; 2 groups; folds train 1, test 1'
    """
    groups = {entry.group for entry in entries} - {""}
    counts = Counter(entry.fold for entry in entries)
    folds = [f"{fold} {counts[fold]}" for fold in SPELLINGS if counts[fold]]
    return "; ".join(
        (
            f"{len(entries)} images: {_counted(Counter(entry.label for entry in entries))}",
            f"{len(groups)} groups" if groups else "patients are not known",
            f"folds {', '.join(folds)}" if folds else "no folds",
        )
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def regroup(entries: Sequence[Entry], pattern: str, where: str) -> list[Entry]:
    """Read each group from the file name, or from the path if the pattern contains a slash.

    Raises:
        AssayError: a name does not match, or its group is empty; the message gives their number and an example.
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
    """Replace each label by its merged label.

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
    """Return the group in a file's name, or in its path if the pattern contains a slash; "" if there is none."""
    match = expression.search(path if "/" in expression.pattern else path.rpartition("/")[2])
    return (match[GROUP] or "").strip() if match else ""
