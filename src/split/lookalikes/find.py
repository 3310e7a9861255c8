"""From files to groups: describe every image, look up candidates, verify them, join what belongs together."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from src.core.progress import track
from src.images.worker_threads import cores, ordered
from src.split.index import Ints
from src.split.lookalikes.candidates import candidates
from src.split.lookalikes.features import Packed, read_features
from src.split.lookalikes.verify import compare

PREFIX = "like "
ROUND = 512  # pairs verified before the linked images are joined


class Found(NamedTuple):
    """Verified pairs of images of one source, enough to join all copies; and the number of pairs compared."""

    links: list[tuple[int, int]]
    compared: int


def find(files: Sequence[Path], threads: int | None = None) -> Found:
    """Find which images are copies of one source: turned, mirrored, shifted, scaled or saved again.

    Pairs with the most features in common come first. A pair that other links already join is not verified: 33 links
    join 34 copies of a slide. The result does not depend on the number of threads, by default one per core.
    """
    threads, links, compared = threads or cores(), list[tuple[int, int]](), 0
    with TemporaryDirectory(prefix="lookalikes", ignore_cleanup_errors=True) as folder:
        features = track(ordered(read_features, files, threads), len(files), "describing images to find copies")
        packed = Packed(features, Path(folder) / "features")
        pairs = candidates(packed)
        pairs = pairs[np.argsort(-pairs[:, 3], kind="stable")]
        work: Callable[[list[int]], bool] = partial(_same, packed)
        rounds = range(0, len(pairs), ROUND)
        # One thread per matrix product: the products are small, and the pairs already use all cores.
        with threadpool_limits(1, "blas"):
            for start in track(rounds, len(rounds), "comparing images to find copies", "round"):
                group = components(len(files), links)
                open_pairs = [
                    pair for pair in pairs[start : start + ROUND].tolist() if group[pair[0]] != group[pair[1]]
                ]
                same = ordered(work, open_pairs, threads)
                links += [(pair[0], pair[1]) for pair, found in zip(open_pairs, same, strict=True) if found]
                compared += len(open_pairs)
    return Found(sorted(links), compared)


def _same(packed: Packed, pair: list[int]) -> bool:
    first, second, mirrored, _ = pair
    return compare(packed[first], packed[second], bool(mirrored)).same


def components(nodes: int, links: Iterable[tuple[int, int]]) -> Ints:
    """Number the connected components: (nodes,), equal numbers where links lead from one node to the other."""
    ends = np.array(list(links), np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), np.bool_), (ends[:, 0], ends[:, 1])), shape=(nodes, nodes))
    numbers: Ints = connected_components(graph, directed=False)[1]
    return numbers


def join(group: NDArray[np.str_], path: NDArray[np.str_], links: Iterable[tuple[int, int]]) -> NDArray[np.str_]:
    """Name the group of every image: by the known groups that are joined in it, else by its first image.

    Args:
        group: (N,) known groups, "" where unknown.
        path: (N,) paths of the images.
        links: pairs of rows.

    >>> join(np.array(["", "p", "q", ""]), np.array(["a", "b", "c", "d"]), [(0, 1), (1, 2)]).tolist()
    ['p and 1 more', 'p and 1 more', 'p and 1 more', 'like d']
    """
    names, members_of = np.unique(group, return_inverse=True)
    known = np.flatnonzero(group != "").tolist()  # a node for each image, and one for each known group
    named = [(row, len(group) + int(members_of[row])) for row in known]
    component = components(len(group) + len(names), [*links, *named])[: len(group)]
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    found: list[set[str]] = [set() for _ in first]
    for row in known:
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
