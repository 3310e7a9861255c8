"""The few images that each image may be a copy of: those that hold the nearest neighbours of its features.

Each descriptor becomes a code of 256 bits, each the side of a random hyperplane (Charikar, "Similarity estimation
techniques from rounding algorithms", 2002). Sorted by a part of the code, similar descriptors are near each other (as
in the LSH forest of Bawa and others, 2005). So each one is compared only with those next to it, in eight sort orders.
The work per feature is fixed, so everything but the sorting is linear in the number of images.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from src.core.random_streams import stream
from src.images.worker_threads import cores, ordered
from src.split.index import Ints
from src.split.lookalikes.features import BINS, FEATURES, MIRROR, Packed

ORDERS, PART = 8, 32  # parts of the code, one sort order each, and bits of a part
REACH = 8  # each entry of an order is compared with so many entries after it
NEAR = 56  # of 256 bits; codes that differ in more are not of the same feature
EVERY = 2  # look up every second feature: it halves time and memory, and copies share dozens of features
FEWEST = 8  # votes that a candidate needs; the same two features may vote once in each order
CANDIDATES = 12  # images verified for each image
SAMPLE = 20_000  # descriptors whose median places the hyperplanes
READ, SAMPLED = 1 << 7, 1 << 10  # images read at a time, for the codes and for the sample
MERGED, PARTS = 1 << 21, 16  # pairs counted before the counts are merged; parts in which the orders are added up
BLOCK = 1 << 16  # entries of an order compared at a time: they stay in the cache of a core

Codes = NDArray[np.uint32]
Counted = tuple[NDArray[np.int64], Ints]  # pairs of images as one number each, and their votes


def candidates(packed: Packed, most: int = CANDIDATES) -> Ints:
    """List the pairs of images that share neighbouring features.

    Args:
        packed: features of N images.
        most: number of best pairs to keep for each image; a pair may be kept for either of its images.

    Returns:
        (M, 4) first image, second image (a larger number), 1 if mirrored, votes; sorted. A pair is listed at most
        twice: as it is and mirrored.
    """
    images = np.repeat(np.arange(len(packed), dtype=np.int32), -(-packed.counts // EVERY))
    if not len(images):
        return np.empty((0, 4), np.intp)
    codes, count = _codes(packed, len(images)), len(packed)
    orders = ordered(lambda order: _votes(codes, order, images, count), range(ORDERS), cores())
    pairs, votes = _enough(list(orders), count)
    return _best(np.stack([(pairs >> 1) // count, (pairs >> 1) % count, pairs & 1, votes], axis=1), most)


def _looked_up(packed: Packed, images: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the descriptors (T, 128) that are looked up, those of `images` images at a time."""
    for start in range(0, len(packed), images):
        part = packed.read(start, images)
        kept = np.arange(0, FEATURES, EVERY) < part["count"][:, None]
        yield part["descriptors"][:, ::EVERY][kept]


def _codes(packed: Packed, count: int) -> Codes:
    """Return codes (2 T, 8) of 32 bits each, first of the descriptors, then of the mirrored descriptors.

    All sums are whole numbers below 2**24, so they are exact in any order in which a machine adds them.
    """
    planes = stream(0, "lookalike planes").choice(np.array([-1, 1], np.float32), (BINS, ORDERS * PART))
    share = -(-count // SAMPLE)
    sample = np.concatenate([part[::share] for part in _looked_up(packed, SAMPLED)])
    middle = np.floor(np.median(np.concatenate([sample, sample[:, MIRROR]]).astype(np.float32) @ planes, axis=0))
    codes, start = np.empty((2, count, ORDERS), np.uint32), 0
    for part in _looked_up(packed, READ):
        for mirrored, some in enumerate((part, part[:, MIRROR])):
            bits = np.packbits(some.astype(np.float32) @ planes > middle, axis=1)
            codes[mirrored, start : start + len(part)] = bits.view(">u4")
        start += len(part)
    return codes.reshape(-1, ORDERS)


def _votes(codes: Codes, order: int, images: NDArray[np.int32], count: int) -> Counted:
    """Compare each feature with those next to it in a sort order; count the near ones for each pair of images."""
    entries, found, limit = np.argsort(codes[:, order], kind="stable"), list[Counted](), MERGED
    for start in range(0, len(entries), BLOCK):
        block, pairs = entries[start : start + BLOCK + REACH], list[NDArray[np.int64]]()
        words, image, mirrored = codes[block].view(np.uint64), images[block % len(images)], block >= len(images)
        for step in range(1, min(REACH, len(block) - 1) + 1):
            one, two = slice(min(BLOCK, len(block) - step)), slice(step, BLOCK + step)
            near = np.bitwise_count(words[one] ^ words[two]).sum(axis=1, dtype=np.uint16) <= NEAR
            near &= (image[one] != image[two]) & ~(mirrored[one] & mirrored[two])
            first, second = np.minimum(image[one], image[two])[near], np.maximum(image[one], image[two])[near]
            flip = (mirrored[one] | mirrored[two])[near]
            pairs.append((first.astype(np.int64) * count + second) << 1 | flip)
        found.append(np.unique(np.concatenate(pairs), return_counts=True))
        if sum(len(numbers) for numbers, _ in found) > limit:
            found = [_summed(found)]
            limit = max(MERGED, 2 * len(found[0][0]))
    return _summed(found)


def _enough(orders: list[Counted], count: int) -> Counted:
    """Add up the votes of all orders, one part of the pairs at a time, and keep the pairs with enough votes."""
    found, starts = list[Counted](), np.linspace(0, 2 * count * count, PARTS + 1).astype(np.int64)
    for start, end in pairwise(starts):
        places = [slice(*np.searchsorted(pairs, (start, end))) for pairs, _ in orders]
        pairs, votes = _summed([(pairs[it], votes[it]) for (pairs, votes), it in zip(orders, places, strict=True)])
        found.append((pairs[votes >= FEWEST], votes[votes >= FEWEST]))
    pairs, votes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return pairs, votes


def _summed(found: list[Counted]) -> Counted:
    """Add up the votes of each pair."""
    pairs, place = np.unique(np.concatenate([pairs for pairs, _ in found]), return_inverse=True)
    return pairs, np.bincount(place, np.concatenate([votes for _, votes in found])).astype(np.intp)


def _best(pairs: Ints, most: int) -> Ints:
    """Keep for each image the `most` pairs with the most votes; of equal votes, the first ones."""
    images = np.concatenate([pairs[:, 0], pairs[:, 1]])
    places = np.tile(np.arange(len(pairs)), 2)
    order = np.lexsort((places, -pairs[places, 3], images))
    starts = np.flatnonzero(np.diff(images[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return pairs[np.unique(places[order][rank < most])]
