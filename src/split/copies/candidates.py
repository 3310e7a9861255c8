"""Which few images each image may be a copy of: those that hold the nearest neighbours of its features.

Each descriptor becomes a code of 256 bits, each bit the side of a random hyperplane (Charikar, "Similarity estimation
techniques from rounding algorithms", 2002). Sorted by a part of the code, like descriptors come to stand near each
other (as in the LSH forest of Bawa and others, 2005), so each is compared only with those next to it, in eight orders.
The work per feature is fixed, so all but the sorting is linear in the number of images.
"""

import numpy as np
from numpy.typing import NDArray

from src.core.random_streams import stream
from src.split.copies.features import BINS, MIRROR, Packed
from src.split.index import Ints

ORDERS, PART = 8, 32  # parts of the code, bits of each
REACH = 8  # entries after each in an order that it is compared with
NEAR = 56  # bits of 256 in which the codes of one feature may differ
NEAREST = 4  # neighbours of a feature that vote
FEWEST = 4  # votes
CANDIDATES = 12  # images verified for each image
SAMPLE = 20_000  # descriptors that place the hyperplanes
CHUNK = 1 << 18  # descriptors at a time

TARGET_BITS, DISTANCE_BITS = 28, 8  # of a neighbour in one integer: feature, distance, target

Codes = NDArray[np.uint32]


def candidates(packed: Packed, most: int = CANDIDATES) -> Ints:
    """List the pairs of images that share neighbouring features.

    Args:
        packed: features of N images.
        most: the best so many of each image; a pair may be listed for either of its images.

    Returns:
        (M, 4) first image, second image (a larger number), 1 if mirrored, votes; sorted, each pair at most twice,
        as it is and mirrored.
    """
    if not len(packed.descriptors):
        return np.empty((0, 4), np.intp)
    codes = _codes(packed.descriptors)
    neighbours = np.empty(0, np.int64)
    for order in range(ORDERS):
        found = _neighbours(codes, order, packed.images)
        neighbours = _nearest(np.concatenate([neighbours, found]))
    return _best(_votes(neighbours, packed.images), most)


def _codes(descriptors: NDArray[np.uint8]) -> Codes:
    """Return codes (2 T, 8) of 32 bits each, of the descriptors and then of the mirrored ones.

    All sums are of whole numbers below 2**24, so that they are exact in whatever order a machine adds them.
    """
    planes = stream(0, "lookalike planes").choice(np.array([-1, 1], np.float32), (BINS, ORDERS * PART))
    sample = descriptors[:: -(-len(descriptors) // SAMPLE)]
    both = np.concatenate([sample, sample[:, MIRROR]]).astype(np.float32)
    middle = np.floor(np.median(both @ planes, axis=0))
    codes = np.empty((2, len(descriptors), ORDERS), np.uint32)
    for start in range(0, len(descriptors), CHUNK):
        part = np.asarray(descriptors[start : start + CHUNK])
        for mirrored, some in enumerate((part, part[:, MIRROR])):
            bits = np.packbits(some.astype(np.float32) @ planes > middle, axis=1)
            codes[mirrored, start : start + CHUNK] = bits.view(">u4")
    return codes.reshape(-1, ORDERS)


def _neighbours(codes: Codes, order: int, images: Ints) -> NDArray[np.int64]:
    """Compare each entry with the next few in an order; give the near ones of other images, in both directions."""
    count = len(images)
    entries = np.argsort(codes[:, order], kind="stable")
    words = codes[entries].view(np.uint64)
    image, mirrored = images[entries % count], entries >= count
    found = []
    for step in range(1, REACH + 1):
        distance = np.bitwise_count(words[:-step] ^ words[step:]).sum(axis=1, dtype=np.int64)
        wanted = (distance <= NEAR) & (image[:-step] != image[step:]) & ~(mirrored[:-step] & mirrored[step:])
        places = np.flatnonzero(wanted)
        one, two = entries[places], entries[places + step]
        flip = ((one >= count) | (two >= count)).astype(np.int64)
        for source, target in ((one % count, two % count), (two % count, one % count)):
            found.append(_neighbour(source, distance[places], target, flip))
    return np.concatenate(found)


def _neighbour(feature: Ints, distance: Ints, target: Ints, flip: Ints) -> NDArray[np.int64]:
    """Put a neighbour into one integer, which sorts by feature, then distance, then target."""
    return np.asarray(((feature << DISTANCE_BITS | distance) << TARGET_BITS | target) << 1 | flip, dtype=np.int64)


def _nearest(neighbours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the nearest few of each feature; one that was found in several orders counts once."""
    every = np.unique(neighbours)
    kept: NDArray[np.int64] = every[_rank(every >> (DISTANCE_BITS + TARGET_BITS + 1)) < NEAREST]
    return kept


def _votes(neighbours: NDArray[np.int64], images: Ints) -> Ints:
    """Count for each pair of images, as it is or mirrored, how many neighbours they share: (M, 4), sorted."""
    source = images[neighbours >> (DISTANCE_BITS + TARGET_BITS + 1)]
    target = images[neighbours >> 1 & ((1 << TARGET_BITS) - 1)]
    count = int(images.max()) + 1
    first, second = np.minimum(source, target), np.maximum(source, target)
    pairs, votes = np.unique((first * count + second) << 1 | (neighbours & 1), return_counts=True)
    return np.stack([(pairs >> 1) // count, (pairs >> 1) % count, pairs & 1, votes], axis=1)


def _best(pairs: Ints, most: int) -> Ints:
    """Keep the pairs with the most votes of each image; where votes are equal, the first ones."""
    pairs = pairs[pairs[:, 3] >= FEWEST]
    images = np.concatenate([pairs[:, 0], pairs[:, 1]])
    places = np.tile(np.arange(len(pairs)), 2)
    order = np.lexsort((places, -pairs[places, 3], images))
    return pairs[np.unique(places[order][_rank(images[order]) < most])]


def _rank(values: NDArray[np.integer]) -> Ints:
    """Count how many equal ones stand before each of sorted values."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    lengths = np.diff(np.append(starts, len(values)))
    return np.asarray(np.arange(len(values)) - np.repeat(starts, lengths))
