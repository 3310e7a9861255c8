"""Test whether one image is a moved copy of the other: by the places of the features and the structure between them.

Both tests are needed. Features alone would match two different X-rays that share the same burnt-in letters; structure
alone says too little if the images overlap only in a small part. Both tests allow a shift of two pixels, no more: the
ribs of two children match within four. docs/splits.md explains how the limits were chosen.
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
COARSE, FINE = 4.0, 2.0  # pixels of the working image from a point to its expected place, in the first and last rounds
TRIALS, CONFIDENCE = 500, 0.99  # of RANSAC
ROUNDS = (COARSE, COARSE, FINE, FINE, FINE, FINE)  # tolerance in each round of refitting to the inliers
MAX_STRETCH, MIN_SCALE, MAX_SCALE = 2.0, 0.4, 2.5  # what may have been done to a copy
FEWEST = 6  # points that an affine map is fitted to
WINDOW = 13  # pixels of the pictures, for the local comparison
NOISE, SHAPE = 0.7, 2.0  # pixels of the pictures: finer detail is noise, coarser shapes are common to all chests
STRUCTURE = 1.0  # grey levels, standard deviation in a window below which there is nothing to compare
ALIKE = 0.5  # windows with a higher local correlation are alike
INLIERS = 20
AGREEMENT = 0.55
OVERLAP = 0.2

Warp = NDArray[np.float64]  # (2, 3), from the points of one working image to those of the other


class Evidence(NamedTuple):
    """Features whose places match; share of windows with structure that are alike; share of the image in overlap."""

    inliers: int
    agreement: float
    overlap: float

    @property
    def same(self) -> bool:
        """True if the images have one source."""
        return self.inliers >= INLIERS and self.agreement >= AGREEMENT and self.overlap >= OVERLAP


NONE = Evidence(0, 0.0, 0.0)


def compare(first: Features, second: Features, mirrored: bool) -> Evidence:
    """Search for an affine map from the first image onto the second; `mirrored`: one of them is mirrored."""
    descriptors = first.descriptors[:, MIRROR] if mirrored else first.descriptors
    turn = np.array([-1, 1] if mirrored else [1, 1], np.float32)  # a similarity cannot mirror, so this does
    pairs = matches(descriptors, second.descriptors)
    found = _fit(first.points[pairs[:, 0]] * turn, second.points[pairs[:, 1]])
    if found is None:
        return NONE
    warp, inliers = found
    return Evidence(inliers, *_agreement(first, second, warp * [*turn, 1]))


def matches(first: Pixels, second: Pixels) -> Ints:
    """Pair the descriptors (K, 128) and (L, 128) that are mutual nearest neighbours and pass the ratio test: (M, 2)."""
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
    """Find a similarity by RANSAC, then refit an affine map to its inliers; return the map and the count of inliers."""
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
    """Lay the first picture over the second; return the share of windows that are alike, and the overlap."""
    moved = np.diag(1 / second.scale.astype(np.float64)) @ warp @ np.diag([*first.scale.astype(np.float64), 1.0])
    shape = (SIDE, SIDE)
    over = as_pixels(cv2.warpAffine(first.picture, moved, shape))
    one, two = (structure(picture, NOISE, SHAPE) for picture in (over, second.picture))
    visible = cv2.warpAffine(np.ones(shape, np.uint8), moved, shape, flags=cv2.INTER_NEAREST)
    margin = WINDOW + 4  # structure this close to the border comes from the border itself
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
