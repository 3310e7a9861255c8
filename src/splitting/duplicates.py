"""Images that stand twice: the same pixels, or the same picture saved, scaled or cut anew."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.splitting.likeness import likeness
from src.splitting.looks import Looks
from src.splitting.nearest import nearest_pairs
from src.splitting.rows import Ints

RADIUS = 64  # bits of 255: copies cut by 2 % a side differ in up to 58, unrelated chests in 44 or more
LIKENESS = 0.97  # docs/splits.md tells how these two were chosen

Matrix = NDArray[np.bool_]


class Pair(NamedTuple):
    """Two rows of the store, in how many bits their hashes differ, and how well their structure correlates (-1..1)."""

    first: int
    second: int
    distance: int
    likeness: float


class Duplicates(NamedTuple):
    """Pairs across parts: exact ones, near ones, the nearest that are neither; images doubled within a part."""

    exact: list[Pair]
    near: list[Pair]
    others: list[Pair]
    exact_within: int
    near_within: int
    radius: int  # up to which distance all pairs across parts were looked at: less than RADIUS where too many are near


def find_duplicates(looks: Looks, parts: Ints, others: int) -> Duplicates:
    """Find the images that stand in two parts, and count those that stand twice in one.

    Args:
        looks: of N images.
        parts: (N,) number of the part of each.
        others: how many of the nearest pairs across parts that are not duplicates to list too.
    """
    rows = _first_copies(looks.contents, parts)
    contents, part = looks.contents[rows], parts[rows]

    def across(some: slice, rest: slice) -> Matrix:
        matches: Matrix = (part[some, None] != part[rest]) & (contents[some, None] != contents[rest])
        return matches

    def within(some: slice, rest: slice) -> Matrix:
        matches: Matrix = part[some, None] == part[rest]
        return matches

    candidates = nearest_pairs(looks.hashes[rows], across)
    pairs = [_compare(looks, rows, *found) for found in candidates.tolist()[: _worth(candidates, others)]]
    near = [pair for pair in pairs if pair.distance <= RADIUS and pair.likeness >= LIKENESS]
    doubled = [_compare(looks, rows, *found) for found in nearest_pairs(looks.hashes[rows], within, RADIUS).tolist()]
    return Duplicates(
        exact=_exact(looks.contents, parts),
        near=sorted(near, key=lambda pair: (-pair.likeness, pair)),
        others=[pair for pair in pairs if pair not in set(near)][:others],
        exact_within=len(parts) - len(rows),
        near_within=sum(pair.likeness >= LIKENESS for pair in doubled),
        radius=min(RADIUS, int(candidates[-1, 2])) if len(candidates) else RADIUS,
    )


def _first_copies(contents: Ints, parts: Ints) -> Ints:
    """List one row per content and part, so that many copies of one image are compared with the others but once."""
    return np.sort(np.unique(np.stack([contents, parts]), axis=1, return_index=True)[1])


def _worth(candidates: Ints, others: int) -> int:
    """Count the candidates that may be near, and at least so many that others can be shown."""
    return max(int(np.searchsorted(candidates[:, 2], RADIUS, side="right")), others)


def _compare(looks: Looks, rows: Ints, first: int, second: int, distance: int) -> Pair:
    one, two = int(rows[first]), int(rows[second])
    return Pair(one, two, distance, round(likeness(looks.thumbnails[one], looks.thumbnails[two]), 3))


def _exact(contents: Ints, parts: Ints) -> list[Pair]:
    """Pair every image with the first one of the same pixels in each other part."""
    copies: dict[int, list[int]] = defaultdict(list)
    for row, content in enumerate(contents.tolist()):
        copies[content].append(row)
    pairs: set[Pair] = set()
    for rows in copies.values():
        firsts = {int(parts[row]): row for row in reversed(rows)}
        for row in rows if len(firsts) > 1 else ():
            twins = (twin for part, twin in firsts.items() if part != parts[row])
            pairs.update(Pair(min(row, twin), max(row, twin), 0, 1.0) for twin in twins)
    return sorted(pairs)
