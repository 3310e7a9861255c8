"""Whether one image is the other, moved: the features lie alike, and so does the fine structure between them.

Both tests are needed. The first alone would take two X-rays for one that bear the same burnt-in letters; the second
alone says too little where images overlap in a small part. Both are strict about place, to two pixels: the ribs of two
children lie alike within four. docs/splits.md says how the limits were chosen.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from src.images.pixels import Pixels, as_pixels
from src.split.duplicates import structure
from src.split.index import Ints
from src.split.lookalikes.features import MIRROR, SIDE, Features, Points

RATIO = 0.8  # of the distances to the nearest and the second nearest descriptor: Lowe's test
COARSE, FINE = 4.0, 2.0  # pixels of the working image between a point and where it is expected, at first and at last
TRIALS, CONFIDENCE = 500, 0.99  # of RANSAC
ROUNDS = (COARSE, COARSE, FINE, FINE, FINE, FINE)  # of fitting to the inliers anew
MAX_STRETCH, MIN_SCALE, MAX_SCALE = 2.0, 0.4, 2.5  # what a copy may have gone through
FEWEST = 6  # points that an affine map is fitted to
WINDOW = 13  # pixels of the pictures, for the local comparison
NOISE, SHAPE = 0.7, 2.0  # pixels of the pictures: what is finer is noise, what is coarser all chests share
STRUCTURE = 1.0  # grey levels, standard deviation in a window below which there is nothing to compare
ALIKE = 0.5  # local correlation from which on windows are alike
INLIERS = 20
AGREEMENT = 0.55
OVERLAP = 0.2

Warp = NDArray[np.float64]  # (2, 3), from the points of one working image to those of the other


class Evidence(NamedTuple):
    """Features that lie alike; share of the windows with structure that are alike; visible share of the image."""

    inliers: int
    agreement: float
    overlap: float

    @property
    def same(self) -> bool:
        """Return whether the images have one source."""
        return self.inliers >= INLIERS and self.agreement >= AGREEMENT and self.overlap >= OVERLAP


NONE = Evidence(0, 0.0, 0.0)


def compare(first: Features, second: Features, mirrored: bool) -> Evidence:
    """Search for an affine map that brings the first image onto the second, of which one may be mirrored."""
    descriptors = first.descriptors[:, MIRROR] if mirrored else first.descriptors
    turn = np.array([-1, 1] if mirrored else [1, 1], np.float32)  # no similarity mirrors, so the points are
    pairs = matches(descriptors, second.descriptors)
    found = _fit(first.points[pairs[:, 0]] * turn, second.points[pairs[:, 1]])
    if found is None:
        return NONE
    warp, inliers = found
    return Evidence(inliers, *_agreement(first, second, warp * [*turn, 1]))


def matches(first: Pixels, second: Pixels) -> Ints:
    """Pair the descriptors (K, 128) and (L, 128) that are each other's nearest, and clearly: (M, 2)."""
    if min(len(first), len(second)) < FEWEST:
        return np.empty((0, 2), np.intp)
    one, two = first.astype(np.float32), second.astype(np.float32)
    distances = (one * one).sum(axis=1)[:, None] + (two * two).sum(axis=1) - 2 * (one @ two.T)  # whole numbers: exact
    rows = np.arange(len(one))
    nearest, back = distances.argmin(axis=1), distances.argmin(axis=0)
    best = distances[rows, nearest]
    distances[rows, nearest] = np.inf
    clear = (best < RATIO**2 * distances.min(axis=1)) & (back[nearest] == rows)
    return np.stack([rows[clear], nearest[clear]], axis=1)


def _fit(one: Points, two: Points) -> tuple[Warp, int] | None:
    """Find a map by RANSAC, at first a similarity, then an affine one of its inliers; count the final inliers."""
    if len(one) < FEWEST:
        return None
    warp, _ = cv2.estimateAffinePartial2D(
        one, two, method=cv2.RANSAC, ransacReprojThreshold=COARSE, maxIters=TRIALS, confidence=CONFIDENCE
    )
    for tolerance in ROUNDS:
        if warp is None or not _plausible(warp):
            return None
        inlier = _errors(warp, one, two) <= tolerance
        if np.count_nonzero(inlier) < FEWEST:
            return None
        warp = _affine(one[inlier], two[inlier])
    return (warp, int(np.count_nonzero(_errors(warp, one, two) <= FINE))) if _plausible(warp) else None


def _affine(one: Points, two: Points) -> Warp:
    """Fit an affine map by least squares."""
    places = np.column_stack([one, np.ones(len(one))]).astype(np.float64)
    return np.asarray(np.linalg.lstsq(places, two.astype(np.float64), rcond=None)[0].T)


def _errors(warp: Warp, one: Points, two: Points) -> NDArray[np.float64]:
    return np.asarray(np.hypot(*(one @ warp[:, :2].T + warp[:, 2] - two).T))


def _plausible(warp: Warp) -> bool:
    large, small = np.linalg.svd(warp[:, :2], compute_uv=False)
    turned = np.linalg.det(warp[:, :2]) > 0
    return bool(turned and small >= MIN_SCALE and large <= MAX_SCALE and large <= MAX_STRETCH * small)


def _agreement(first: Features, second: Features, warp: Warp) -> tuple[float, float]:
    """Lay the first picture over the second; give the share of windows that are alike, and the overlap."""
    moved = np.diag(1 / second.scale.astype(np.float64)) @ warp @ np.diag([*first.scale.astype(np.float64), 1.0])
    shape = (SIDE, SIDE)
    over = as_pixels(cv2.warpAffine(first.picture, moved, shape))
    one, two = (structure(picture, NOISE, SHAPE) for picture in (over, second.picture))
    visible = cv2.warpAffine(np.ones(shape, np.uint8), moved, shape, flags=cv2.INTER_NEAREST)
    margin = WINDOW + 4  # the structure beside the border is that of the border
    whole = cv2.erode(visible, np.ones((margin, margin), np.uint8), borderType=cv2.BORDER_REPLICATE) > 0
    mean_one, mean_two = _blur(one), _blur(two)
    spread_one = np.maximum(_blur(one * one) - mean_one**2, 1e-3)
    spread_two = np.maximum(_blur(two * two) - mean_two**2, 1e-3)
    correlation = (_blur(one * two) - mean_one * mean_two) / np.sqrt(spread_one * spread_two)
    compared = whole & (np.maximum(spread_one, spread_two) > STRUCTURE**2)
    overlap = float(visible.mean())
    return (float((correlation[compared] > ALIKE).mean()) if compared.any() else 0.0), overlap


def _blur(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(picture, (WINDOW, WINDOW)), dtype=np.float32)
