"""Finds the pattern in file names, or the folder, that tells the patient, by whether its groups are plausible."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from src.config import GROUP
from src.download.manifest import Entry, group_of

WORDS = "patient|person|subject|participant|volunteer|case|pat|sub|subj|pid|pt"
MOST_TOKENS = 6  # of a name, between _, -, blanks and dots
LEAST_OF_CLASS, LEAST_IMAGES, MOST_SHARE = 3, 1.25, 0.25
SHOWN = 3
DATE = re.compile(r"(19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d")


@dataclass(frozen=True)
class Found:
    """A value for dataset.group_pattern, the number of groups that it gives, and examples: name -> group."""

    pattern: str
    groups: int
    examples: Mapping[str, str]


def find(entries: Sequence[Entry]) -> Found | None:
    """Find the first pattern that gives plausible groups: words such as patient, folders, then ever longer prefixes.

    The shortest of several plausible prefixes of a name is taken: a group that is too large costs a few images, but
    one that is too small lets a patient appear in two parts.
    """
    labels = [entry.label for entry in entries]
    stems = [PurePosixPath(entry.path).stem for entry in entries]
    for pattern in _patterns(entries):
        expression = re.compile(pattern)
        groups = list(takewhile(bool, (group_of(expression, entry.path) for entry in entries)))
        numbered = groups == stems and WORDS not in pattern  # 7.png in each class: the numbers start again
        if len(groups) == len(entries) and not numbered and is_plausible(groups, labels):
            return Found(pattern, len(set(groups)), _examples(entries, groups, whole="/" in pattern))
    return None


def is_plausible(groups: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether groups may be patients, from the group and the label of each image.

    They may be if a group has several images on average, but none has more than a quarter of all; if each class has at
    least three groups (otherwise the group could be the class); if each has a digit in its name, as mere words are more
    likely organs, sites or projections; and if not all of them are dates.
    """
    counts = Counter(groups)
    of_class: dict[str, set[str]] = defaultdict(set)
    for group, label in zip(groups, labels, strict=True):
        of_class[label].add(group)
    return (
        len(groups) >= LEAST_IMAGES * len(counts)
        and max(counts.values()) <= max(2, MOST_SHARE * len(groups))
        and all(len(found) >= LEAST_OF_CLASS for found in of_class.values())
        and all(any(letter.isdigit() for letter in group) for group in counts)
        and not all(DATE.fullmatch(group) for group in counts)
    )


def _patterns(entries: Sequence[Entry]) -> Iterator[str]:
    yield rf"(?i)(?<![^\W_])(?P<{GROUP}>(?:{WORDS})[-_ ]?\d+)"
    depths = {entry.path.count("/") for entry in entries}
    if len(depths) == 1:
        for above in range(1, depths.pop()):  # the top folder is a class or a fold
            yield rf"^(?:[^/]+/){{{above}}}(?P<{GROUP}>[^/]+)/"
    yield rf"^(?P<{GROUP}>[A-Za-z]+\d+[A-Za-z]+\d+)"  # C101P62ThinF
    for more in range(MOST_TOKENS):
        rest = rf"(?:[^_\-. ]+[_\-. ]+){{{more}}}" if more else ""
        yield rf"^(?P<{GROUP}>{rest}[^_\-. ]+)[_\-. ]+[^_\-. ]"


def _examples(entries: Iterable[Entry], groups: Iterable[str], *, whole: bool) -> dict[str, str]:
    """Choose a name, or a whole path, of three groups that are spread evenly over all."""
    first: dict[str, str] = {}
    for entry, group in zip(entries, groups, strict=True):
        first.setdefault(group, entry.path)
    several = list(first)
    chosen = several[:: max(1, len(several) // SHOWN)][:SHOWN]
    return {first[group] if whole else first[group].rpartition("/")[2]: group for group in chosen}
