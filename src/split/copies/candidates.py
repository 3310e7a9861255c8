"""Which few images each image may be a copy of: those that hold the nearest neighbours of its features.

Each descriptor becomes a code of 256 bits, each bit the side of a random hyperplane (Charikar, "Similarity estimation
techniques from rounding algorithms", 2002). Sorted by a part of the code, like descriptors come to stand near each
other (as in the LSH forest of Bawa and others, 2005), so each is compared only with those next to it, in eight orders.
The work per feature is fixed, so all but the sorting is linear in the number of images.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from src.core.random_streams import stream
from src.images.worker_threads import cores, ordered
from src.split.copies.features import BINS, FEATURES, MIRROR, Packed
from src.split.index import Ints

ORDERS, PART = 8, 32  # parts of the code, bits of each
REACH = 8  # entries after each in an order that it is compared with
NEAR = 56  # bits of 256 in which the codes of one feature may differ
NEAREST = 4  # neighbours of a feature that vote
EVERY = 2  # every second feature is looked up: half of the time and memory, and copies share dozens
FEWEST = 4  # votes
CANDIDATES = 12  # images verified for each image
SAMPLE = 20_000  # descriptors that place the hyperplanes
CHUNK, READ = 1 << 18, 1 << 10  # features, images at a time

TARGET_BITS = 28  # a neighbour as one integer, its key: distance, feature, and 1 if mirrored, so that keys sort
NONE = np.iinfo(np.int64).max

Codes = NDArray[np.uint32]
Keys = NDArray[np.int64]


def candidates(packed: Packed, most: int = CANDIDATES) -> Ints:
    """List the pairs of images that share neighbouring features.

    Args:
        packed: features of N images.
        most: the best so many of each image; a pair may be listed for either of its images.

    Returns:
        (M, 4) first image, second image (a larger number), 1 if mirrored, votes; sorted, each pair at most twice,
        as it is and mirrored.
    """
    images = np.repeat(np.arange(len(packed), dtype=np.int32), -(-packed.counts // EVERY))
    if not len(images):
        return np.empty((0, 4), np.intp)
    codes = _codes(packed, len(images))
    nearest = np.full((len(images), NEAREST), NONE)
    for order in range(ORDERS):
        _merge(nearest, _neighbours(codes, order, images))
    return _best(_votes(nearest, images), most)


def _looked_up(packed: Packed) -> Iterator[NDArray[np.uint8]]:
    """Yield the descriptors (T, 128) that are looked up, those of some images after the other."""
    for start in range(0, len(packed), READ):
        part = packed.read(start, READ)
        kept = np.arange(0, FEATURES, EVERY) < part["count"][:, None]
        yield part["descriptors"][:, ::EVERY][kept]


def _codes(packed: Packed, count: int) -> Codes:
    """Return codes (2 T, 8) of 32 bits each, of the descriptors and then of the mirrored ones.

    All sums are of whole numbers below 2**24, so that they are exact in whatever order a machine adds them.
    """
    planes = stream(0, "lookalike planes").choice(np.array([-1, 1], np.float32), (BINS, ORDERS * PART))
    share = -(-count // SAMPLE)
    sample = np.concatenate([part[::share] for part in _looked_up(packed)])
    middle = np.floor(np.median(np.concatenate([sample, sample[:, MIRROR]]).astype(np.float32) @ planes, axis=0))
    codes, start = np.empty((2, count, ORDERS), np.uint32), 0
    for part in _looked_up(packed):
        for mirrored, some in enumerate((part, part[:, MIRROR])):
            bits = np.packbits(some.astype(np.float32) @ planes > middle, axis=1)
            codes[mirrored, start : start + len(part)] = bits.view(">u4")
        start += len(part)
    return codes.reshape(-1, ORDERS)


def _neighbours(codes: Codes, order: int, images: NDArray[np.int32]) -> Keys:
    """Compare each of E entries with those next to it in an order: (E, 4) the nearest of other images, as keys."""
    entries = np.argsort(codes[:, order], kind="stable")
    found = np.empty((len(entries), NEAREST), np.int64)

    def work(start: int) -> None:
        stop = min(start + CHUNK, len(entries))
        low, high = max(start - REACH, 0), min(stop + REACH, len(entries))
        found[entries[start:stop]] = _nearest_beside(codes, entries[low:high], images)[start - low : stop - low]

    deque(ordered(work, range(0, len(entries), CHUNK), cores()), maxlen=0)
    return found


def _nearest_beside(codes: Codes, entries: Ints, images: NDArray[np.int32]) -> Keys:
    """Return the keys (E, 4) of the nearest of the entries that stand at most REACH before or after each."""
    feature, mirrored = entries % len(images), entries >= len(images)
    words, image = codes[entries].view(np.uint64), images[feature]
    keys = np.full((len(entries), 2 * REACH), NONE)
    for step in range(1, min(REACH, len(entries) - 1) + 1):
        distance = np.bitwise_count(words[:-step] ^ words[step:]).sum(axis=1, dtype=np.int64)
        wanted = (distance <= NEAR) & (image[:-step] != image[step:]) & ~(mirrored[:-step] & mirrored[step:])
        flip = (mirrored[:-step] | mirrored[step:]).astype(np.int64)
        for own, other, place in (
            (slice(None, -step), slice(step, None), 0),
            (slice(step, None), slice(None, -step), 1),
        ):
            key = (distance << TARGET_BITS | feature[other]) << 1 | flip
            keys[own, 2 * step - 2 + place] = np.where(wanted, key, NONE)
    return np.sort(keys, axis=1)[:, :NEAREST]


def _merge(nearest: Keys, found: Keys) -> None:
    """Keep the nearest few (T, 4) of each feature, whose two entries found (2 T, 4); one found twice counts once."""
    for start in range(0, len(nearest), CHUNK):
        part = slice(start, start + CHUNK)
        both = (found[: len(nearest)][part], found[len(nearest) :][part])
        keys = np.sort(np.concatenate([nearest[part], *both], axis=1), axis=1)
        keys[:, 1:][keys[:, 1:] == keys[:, :-1]] = NONE
        nearest[part] = np.sort(keys, axis=1)[:, :NEAREST]


def _votes(nearest: Keys, images: NDArray[np.int32]) -> Ints:
    """Count for each pair of images, as it is or mirrored, how many neighbours they share: (M, 4), sorted."""
    count, counted = int(images.max()) + 1, []
    for start in range(0, len(nearest), CHUNK):  # all at once would take a gigabyte
        features, places = np.nonzero(nearest[start : start + CHUNK] != NONE)
        keys = nearest[start + features, places]
        source, target = images[start + features], images[keys >> 1 & ((1 << TARGET_BITS) - 1)]
        pairs = np.minimum(source, target).astype(np.int64) * count + np.maximum(source, target)
        counted.append(np.unique(pairs << 1 | (keys & 1), return_counts=True))
    pairs, place = np.unique(np.concatenate([pairs for pairs, _ in counted]), return_inverse=True)
    votes = np.bincount(place, np.concatenate([votes for _, votes in counted])).astype(np.intp)
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
