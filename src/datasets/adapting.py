"""What params.yaml may say about any data set: how names tell the patient, and which classes are one."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from src.datasets.entries import Entry
from src.errors import AssayError
from src.params import GROUP


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
            f"found {unknown[0]!r}{_nearest(unknown[0], labels)}"
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


def _nearest(label: str, labels: Mapping[str, int]) -> str:
    """Suggest a label in whatever case it is written."""
    spelled = {known.lower(): known for known in labels}
    close = get_close_matches(label.lower(), spelled, n=1)
    return f"; did you mean {spelled[close[0]]!r}?" if close else ""
