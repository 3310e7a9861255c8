"""Duplicates: the same pixels, or the same picture saved again, scaled or cropped."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from src.core.files import digest_of
from src.core.progress import track
from src.images.pixels import Pixels
from src.images.worker_threads import cores, ordered
from src.split.index import Ints

# Two images are near duplicates if at most so many of 255 bits differ and their structure correlates at least so much.
DUPLICATE_BITS = 64  # copies cropped by 2 % a side differ in up to 58, unrelated chests in 44 or more
DUPLICATE_CORRELATION = 0.97  # docs/splits.md explains how these two were chosen
ROWS, COLUMNS = 256, 2048  # hashes compared at a time, so that their product stays in the processor's cache
MOST = 5000  # pairs kept by a search
Wanted = Callable[[Ints, Ints], NDArray[np.bool_]]  # for pairs of rows (first, second): which ones to consider
FINE, COARSE = 0.6, 4.0  # pixels of a thumbnail: finer detail is noise, coarser shapes are common to all chests
ROUNDS, TOLERANCE = 60, 1e-4
BLUR = 5  # pixels: size of the Gaussian filter in ECC
LARGEST_SHIFT = 0.15  # largest change of the unit square's corners that alignment may make
FLAT = 0.5  # grey levels, standard deviation of the fine structure below which there is nothing to compare
FREQUENCIES = 16  # lowest ones kept on each axis
BITS = FREQUENCIES**2 - 1  # without the mean


class Hashes(NamedTuple):
    """Contents (N,), equal for equal pixels; thumbnails uint8 (N, 64, 64); perceptual hashes int8 (N, 255) of -1, 1."""

    contents: Ints
    thumbnails: Pixels
    perceptual: NDArray[np.int8]


class Pair(NamedTuple):
    """Two rows of the store, the number of bits in which their hashes differ, and their correlation (-1..1)."""

    first: int
    second: int
    distance: int
    correlation: float


class Duplicates(NamedTuple):
    """Pairs across parts: exact, near, and the nearest that are neither; counts of repeats within a part."""

    exact: list[Pair]
    near: list[Pair]
    others: list[Pair]
    exact_within: int
    near_within: int
    radius: int  # distance up to which all pairs were compared: below DUPLICATE_BITS if too many pairs are near


def find_duplicates(hashes: Hashes, parts: Ints, others: int) -> Duplicates:
    """Find the images that are in two parts, and count those that are twice in one part.

    The threshold for near duplicates: a distance of at most DUPLICATE_BITS and a correlation of at least
    DUPLICATE_CORRELATION.

    Args:
        hashes: of N images.
        parts: (N,) number of the part of each.
        others: number of further pairs to list: the nearest across parts that are not duplicates.
    """
    # One row per content and part, so that many copies of one image are compared with the others only once.
    rows = np.sort(np.unique(np.stack([hashes.contents, parts]), axis=1, return_index=True)[1])
    contents, part, perceptual = hashes.contents[rows], parts[rows], hashes.perceptual[rows]

    def across(some: Ints, rest: Ints) -> NDArray[np.bool_]:
        return np.asarray((part[some] != part[rest]) & (contents[some] != contents[rest]))

    def within(some: Ints, rest: Ints) -> NDArray[np.bool_]:
        return np.asarray(part[some] == part[rest])

    candidates, alike = nearest_pairs(perceptual, [Nearest(across), Nearest(within, DUPLICATE_BITS)])
    likely = int(np.searchsorted(candidates[:, 2], DUPLICATE_BITS, side="right"))
    pairs = _compare(hashes, rows, candidates[: max(likely, others)], "across parts")
    near = [pair for pair in pairs if pair.distance <= DUPLICATE_BITS and pair.correlation >= DUPLICATE_CORRELATION]
    repeated = _compare(hashes, rows, alike, "within a part")
    return Duplicates(
        exact=same_pixels(hashes.contents, parts),
        near=sorted(near, key=lambda pair: (-pair.correlation, pair)),
        others=[pair for pair in pairs if pair not in set(near)][:others],
        exact_within=len(parts) - len(rows),
        near_within=sum(pair.correlation >= DUPLICATE_CORRELATION for pair in repeated),
        radius=min(DUPLICATE_BITS, int(candidates[-1, 2])) if len(candidates) else DUPLICATE_BITS,
    )


def _compare(hashes: Hashes, rows: Ints, candidates: Ints, where: str) -> list[Pair]:
    """Correlate the thumbnails of candidates (M, 3): two positions in `rows` and the distance of the hashes."""
    pairs = []
    for first, second, bits in track(
        candidates.tolist(), len(candidates), f"looking for near duplicates {where}", "pair"
    ):
        one, two = int(rows[first]), int(rows[second])
        alike = correlation(hashes.thumbnails[one], hashes.thumbnails[two])
        pairs.append(Pair(one, two, bits, round(alike, 3)))
    return pairs


def same_pixels(contents: Ints, parts: Ints) -> list[Pair]:
    """Pair every image with the first image in each other part that has the same pixels; `parts` may be classes."""
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


def hash_images(images: Pixels, thumbnails: Pixels) -> Hashes:
    """Hash every prepared image, uint8 (N, H, W, C), and its thumbnail (N, 64, 64, 1), made before the steps."""
    digests = [digest_of(image.tobytes()) for image in images]
    numbers = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    small = np.asarray(thumbnails[..., 0])
    perceptual = np.stack([perceptual_hash(image) for image in small])
    return Hashes(np.array([numbers[digest] for digest in digests], dtype=np.intp), small, perceptual)


def perceptual_hash(small: Pixels) -> NDArray[np.int8]:
    """Return int8 (255,): 1 for each of the 255 lowest frequencies of a thumbnail (64, 64) above their median, else -1.

    The pHash of Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), with 16x16
    instead of 8x8 coefficients, as chest slices differ in the finer ones. The distance of two hashes is the number of
    bits that differ, about 127 for unrelated images.
    """
    lowest = cv2.dct(small.astype(np.float32))[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    return np.where(lowest > np.median(lowest), 1, -1).astype(np.int8)


class Nearest:
    """The nearest pairs of rows that are wanted: at most `most` that differ in at most `radius` bits.

    If there are more, the nearest are kept; of equal distances, those with the lowest rows. `pairs` is (M, 3): first
    row, second row, distance; sorted by distance, then by rows.
    """

    def __init__(self, wanted: Wanted, radius: int = BITS, most: int = MOST) -> None:
        self.radius, self.pairs = radius, np.empty((0, 3), np.intp)
        self._wanted, self._most = wanted, most

    def see(self, row: int, first: Ints, second: Ints, distances: Ints) -> None:
        """Add the pairs that are near enough; `row` is the lowest first row that pairs of a later call can have."""
        near = np.flatnonzero(distances <= self.radius)
        near = near[self._wanted(first[near], second[near])]
        if len(near):
            pairs = np.concatenate([self.pairs, np.stack([first[near], second[near], distances[near]], axis=1)])
            self.pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], pairs[:, 2]))[: self._most]]
        if len(self.pairs) == self._most:  # of equal distances, the lowest rows are kept
            self.radius = int(self.pairs[-1, 2]) - (row > self.pairs[-1, 0])


def nearest_pairs(hashes: NDArray[np.int8], searches: Sequence[Nearest]) -> list[Ints]:
    """Fill all searches in one comparison of all pairs of hashes, int8 (N, 255) of -1, 1, and return their pairs.

    The product of the hashes with each other is computed tile by tile: about a minute for 100,000 hashes. An index
    would not be faster, as the hashes of images of one kind share most of their bits.
    """
    signs = hashes.astype(np.float32)
    tiles = [(row, column) for row in range(0, len(signs), ROWS) for column in range(row, len(signs), COLUMNS)]

    def near(tile: tuple[int, int]) -> tuple[Ints, Ints, Ints]:
        row, column = tile
        radius = max(search.radius for search in searches)
        # BITS - 2 * distance, whole numbers below 2**24: exact
        agreement = signs[row : row + ROWS] @ signs[column : column + COLUMNS].T
        first, second = np.nonzero(agreement >= BITS - 2 * radius)
        distances = ((BITS - agreement[first, second]) / 2).astype(np.intp)
        once = first + row < second + column
        return first[once] + row, second[once] + column, distances[once]

    with threadpool_limits(1, "blas"):  # the tiles already use all cores
        found = track(ordered(near, tiles, cores(), ahead=2), len(tiles), "comparing perceptual hashes", "tile")
        for (row, _), pairs in zip(tiles, found, strict=True):
            for search in searches:
                search.see(row, *pairs)
    return [search.pairs for search in searches]


def correlation(first: Pixels, second: Pixels) -> float:
    """Correlate the structure of two thumbnails, uint8 (H, W), after the best affine alignment: -1..1.

    0 if there is too little structure, or no small alignment. Alignment allows for a cut margin or a slightly different
    crop. Method: enhanced correlation coefficient, Evangelidis and Psarakis, "Parametric image alignment using enhanced
    correlation coefficient maximization" (2008).
    """
    one, two = structure(first), structure(second)
    if min(one.std(), two.std()) < FLAT:
        return 0.0
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ROUNDS, TOLERANCE)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        found, warp = cv2.findTransformECC(one, two, start, cv2.MOTION_AFFINE, stop, None, BLUR)
    except cv2.error:  # no alignment found
        return 0.0
    return float(found) if _is_small(warp, one.shape) else 0.0


def structure(picture: Pixels, fine: float = FINE, coarse: float = COARSE) -> NDArray[np.float32]:
    """Remove noise and coarse shape: return the structure between them, float32 (H, W), in grey levels around 0."""
    image = picture.astype(np.float32)
    near, far = (cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (fine, coarse))
    return np.asarray(near - far, dtype=np.float32)


def _is_small(warp: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    height, width = shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    moved = corners @ warp.astype(np.float64).T - corners[:, :2]
    return bool(np.abs(moved / (width, height)).max() <= LARGEST_SHIFT)
