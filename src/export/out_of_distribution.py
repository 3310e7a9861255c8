"""How unlike the training images an image is (out-of-distribution detection), as a Mahalanobis distance.

The distance is that of the network's features together with a rough description of the image that the network gets.
The features alone are not enough: they hold what tells the classes apart, and a network for CT slices may take a blood
cell for just another slice.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from src.export.bundle import Reference
from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Integers

QUANTILE = 2.326  # of the normal distribution: 99 of 100 images are below
FOLDS = 5
FEW = 64  # images
SHRINKAGE = 0.1  # of the correlations towards zero (Friedman 1989), as there are few images for so many features
LAYOUT = 6  # places along each side of the layout
BINS, LEVELS = 16, 256
SCALES = 4  # each half as large as the one before
DECIMALS = 6
DIGITS = 7  # significant digits of each number in the file
Images = tuple[Pixels, Floats]  # (N, H, W, C) and their features (N, F)
Grays = NDArray[np.float32]
FLOOR = 1e-3  # of the mean deviation, added to each: a feature that is constant in training says little


def look(image: Pixels) -> Floats:
    """Describe an image (H, W, C) by 64 numbers: its layout, its levels, and its edges and contrast at four scales."""
    channels = image.shape[2]
    gray = cv2.transform(image.astype(np.float32), np.ones((1, channels), np.float32)) / channels
    layout = cv2.resize(gray, (LAYOUT, LAYOUT), interpolation=cv2.INTER_AREA).ravel()
    whole = gray.astype(np.uint8)  # falls into the same bins, and is counted in a quarter of the time
    levels = np.sqrt(cv2.calcHist([whole], [0], None, [BINS], [0, LEVELS]).ravel() / gray.size)
    texture: list[float] = []
    for _ in range(SCALES):
        texture += [_edges(gray[1:], gray[:-1]), _edges(gray[:, 1:], gray[:, :-1]), cv2.meanStdDev(gray)[1].item()]
        gray = cv2.resize(gray, (max(1, gray.shape[1] // 2), max(1, gray.shape[0] // 2)), interpolation=cv2.INTER_AREA)
    return np.concatenate([layout, levels, np.log1p(texture)], dtype=np.float64)


def _edges(pixels: Grays, neighbours: Grays) -> float:
    return cv2.norm(pixels, neighbours, cv2.NORM_L1) / max(1, pixels.size) if pixels.size else 0.0


def fit(parts: Mapping[str, Images], groups: Integers) -> Reference:
    """Learn what the images of train are like, and how far from them an image of the same source may be.

    groups: (N,) of train, counted from 0. The limit is set by val, on which no weights were fitted, and by train, where
    each fold of its groups is measured against the other folds. Val alone is often too small for a percentile: one in
    17 further images exceeds the largest of 16 distances.
    """
    described = {part: _described(*images) for part, images in parts.items() if len(images[0])}
    train = described["train"]
    made = _learned(train)
    distances = {part: _distances(made)(rows) for part, rows in described.items()}
    limit = _limit(np.concatenate([_crossed(train, groups), distances.get("val", np.zeros(0))]))
    flagged = {part: round(float((found > limit).mean()), DECIMALS) for part, found in distances.items()}
    return made.model_copy(update={"limit": limit, "flagged": flagged})


def _learned(train: Floats) -> Reference:
    """Return mean and directions of rows (N, F), without a limit.

    Features and look are scaled to deviation 1, and their covariance is shrunk so that it can be inverted. The numbers
    are rounded here, so that distances measured now equal those that are later measured with the rounded file.
    """
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    scales = deviation + FLOOR * deviation.mean() + np.finfo(np.float64).tiny
    standard = (train - mean) / scales
    correlation = standard.T @ standard / len(train)
    shrunk = (1 - SHRINKAGE) * correlation + SHRINKAGE * np.eye(len(mean))
    directions = np.linalg.cholesky(np.linalg.inv(shrunk)) / scales[:, None]
    return Reference(limit=1.0, mean=_rounded(mean), directions=[_rounded(row) for row in directions], flagged={})


def _crossed(train: Floats, groups: Integers) -> Floats:
    """Return the distance (N,) of each image of train from the images of the other folds."""
    folds = np.unique(groups, return_inverse=True)[1] % FOLDS
    found = np.zeros(len(train))
    for fold in np.unique(folds):
        out = folds == fold
        others = train if out.all() else train[~out]
        found[out] = _distances(_learned(others))(train[out])
    return found


def _rounded(values: Floats) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def _described(images: Pixels, features: Floats) -> Floats:
    return np.hstack([features, np.stack([look(image) for image in images])])


def _distances(made: Reference) -> Callable[[Floats], Floats]:
    """Return a function from rows (N, F) to distances (N,), on average about 1 for the rows it was learned from."""
    mean, directions = np.array(made.mean), np.array(made.directions)

    def distances(rows: Floats) -> Floats:
        # BLAS splits even a small product among threads, which then wait by spinning on the cores that decode images.
        multiply = np.matmul if len(rows) > FEW else lambda *factors: np.einsum("nf,fd->nd", *factors)
        return np.asarray(np.sqrt(np.mean(multiply(rows - mean, directions) ** 2, axis=1)), dtype=np.float64)

    return distances


def _limit(distances: Floats) -> float:
    """Return the 99th percentile of distances, as a log-normal distribution, for which a few distances are enough."""
    logs = np.log(distances + np.finfo(np.float64).tiny)
    return float(np.exp(logs.mean() + QUANTILE * logs.std()))


def measure(made: Reference) -> Callable[[Pixels, Floats], Floats]:
    """Return a function from images (N, H, W, C) and their features (N, F) to distances (N,), where 1 is the limit."""
    distances = _distances(made)
    return lambda images, features: distances(_described(images, features)) / made.limit
