"""Groups of images: those that are linked, and those whose group is known, taken together."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from src.splitting.rows import Ints

PREFIX = "like "


def join(group: NDArray[np.str_], path: NDArray[np.str_], links: Iterable[tuple[int, int]]) -> NDArray[np.str_]:
    """Name the group of every image: a known one with all that are linked to it, else the first image that is alike.

    Args:
        group: (N,) known groups, "" where unknown.
        path: (N,) of the images.
        links: pairs of rows.

    >>> join(np.array(["", "p", "q", ""]), np.array(["a", "b", "c", "d"]), [(0, 1), (1, 2)]).tolist()
    ['p and 1 more', 'p and 1 more', 'p and 1 more', 'like d']
    """
    parents = list(range(len(group)))
    firsts: dict[str, int] = {}
    for row, name in enumerate(group.tolist()):
        if name:
            _unite(parents, row, firsts.setdefault(name, row))
    for first, second in links:
        _unite(parents, first, second)
    roots = [_root(parents, row) for row in range(len(parents))]
    known: dict[int, set[str]] = defaultdict(set)
    for root, name in zip(roots, group.tolist(), strict=True):
        known[root] |= {name} - {""}
    names = {root: _name(known[root], str(path[root])) for root in known}
    return np.array([names[root] for root in roots], dtype=np.str_)


def _name(known: set[str], path: str) -> str:
    if not known:
        return PREFIX + path
    return min(known) + (f" and {len(known) - 1} more" if len(known) > 1 else "")


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def _unite(parents: list[int], one: int, two: int) -> None:
    """Join two groups under their first image."""
    low, high = sorted((_root(parents, one), _root(parents, two)))
    parents[high] = low


def members(groups: Ints) -> list[Ints]:
    """List the rows of each group (N,), the largest group first, then in the order of the first row.

    >>> [rows.tolist() for rows in members(np.array([0, 1, 1, 2]))]
    [[1, 2], [0], [3]]
    """
    order = np.argsort(groups, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return sorted(rows, key=lambda some: (-len(some), int(some[0])))
