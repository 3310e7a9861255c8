"""Groups of images: those that are linked, and those whose group is known, taken together."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from src.split.index import Ints

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
    names, members_of = np.unique(group, return_inverse=True)
    known = np.flatnonzero(group != "")  # a node for each image, and one for each name that joins its images
    ends = np.array(list(links), np.intp).reshape(-1, 2)
    rows = np.concatenate([ends[:, 0], known])
    columns = np.concatenate([ends[:, 1], len(group) + members_of[known]])
    nodes = len(group) + len(names)
    graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][: len(group)]
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    found: list[set[str]] = [set() for _ in first]
    for row in known.tolist():
        found[number[row]].add(str(group[row]))
    titles = [_name(some, str(path[row])) for some, row in zip(found, first.tolist(), strict=True)]
    return np.array([titles[place] for place in number.tolist()], dtype=np.str_)


def _name(known: set[str], path: str) -> str:
    if not known:
        return PREFIX + path
    return min(known) + (f" and {len(known) - 1} more" if len(known) > 1 else "")


def members(groups: Ints) -> list[Ints]:
    """List the rows of each group (N,), the largest group first, then in the order of the first row.

    >>> [rows.tolist() for rows in members(np.array([0, 1, 1, 2]))]
    [[1, 2], [0], [3]]
    """
    order = np.argsort(groups, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    return sorted(rows, key=lambda some: (-len(some), int(some[0])))
