"""The nearest pairs of perceptual hashes among all pairs."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from src.splitting.looks import BITS
from src.splitting.rows import Ints

BLOCK = 512  # rows compared with all others at a time: 512 x 30,000 distances are 61 MB
MOST = 5000  # pairs kept

Matches = Callable[[slice, slice], NDArray[np.bool_]]


def nearest_pairs(hashes: NDArray[np.int8], wanted: Matches, radius: int = BITS, most: int = MOST) -> Ints:
    """Find the pairs of hashes that differ in at most `radius` bits, the nearest `most` of them.

    All pairs are compared, as one matrix product per block of rows: of 30,000 hashes within seconds on two cores. An
    index would not pay: the hashes of one kind of image share most of their bits.

    Args:
        hashes: int8 (N, 255) of -1, 1.
        wanted: of two slices of rows, which pairs to consider, bool (rows, columns).
        radius: largest distance.
        most: number of pairs kept; where there are more, equal distances go by row.

    Returns:
        (M, 3) first row, second row, distance; sorted by distance, then rows.
    """
    signs = hashes.astype(np.float32)
    found = np.empty((0, 3), np.intp)
    for start in range(0, len(signs), BLOCK):
        block = slice(start, min(start + BLOCK, len(signs)))
        rest = slice(start, len(signs))
        agreement = signs[block] @ signs[rest].T  # BITS - 2 * distance, whole numbers below 2**24: exact
        mask = wanted(block, rest) & (agreement >= BITS - 2 * radius)
        mask &= np.arange(start, len(signs)) > np.arange(start, block.stop)[:, None]
        found = _merge(found, _pairs(agreement, mask, start, most), most)
        if len(found) == most:
            radius = int(found[-1, 2])
    return found


def _pairs(agreement: NDArray[np.float32], mask: NDArray[np.bool_], start: int, most: int) -> Ints:
    """List the wanted pairs of a block, without those that the nearest `most` leave no place for."""
    if np.count_nonzero(mask) > most:
        values = agreement[mask]
        limit = np.partition(values, len(values) - most)[len(values) - most]
        sure = mask & (agreement > limit)
        tied = np.flatnonzero(mask & (agreement == limit))[: most - np.count_nonzero(sure)]
        mask = sure
        mask.flat[tied] = True
    rows, columns = np.nonzero(mask)
    distances = ((BITS - agreement[rows, columns]) / 2).astype(np.intp)
    return np.stack([rows + start, columns + start, distances], axis=1)


def _merge(found: Ints, new: Ints, most: int) -> Ints:
    """Keep the nearest `most`, sorted by distance, then by rows."""
    pairs = np.concatenate([found, new])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], pairs[:, 2]))
    return pairs[order[:most]]
