"""Whether two images that look alike show the same thing: their fine structure, compared after alignment."""

import cv2
import numpy as np
from numpy.typing import NDArray

from src.imaging.pixels import Pixels

FINE, COARSE = 0.6, 4.0  # pixels of a thumbnail: what is finer is noise, what is coarser all chests share
ROUNDS, TOLERANCE = 60, 1e-4
BLUR = 5  # pixels, of ECC's own filter
LARGEST_SHIFT = 0.15  # largest change of the unit square's corners that alignment may make
FLAT = 0.5  # grey levels of fine structure, root mean square, below which there is nothing to compare


def likeness(first: Pixels, second: Pixels) -> float:
    """Correlate the structure of two thumbnails, uint8 (H, W), after the best affine alignment: -1..1, 0 if unclear.

    Alignment forgives a cut margin or a slightly different crop. Method: enhanced correlation coefficient,
    Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation coefficient maximization" (2008).
    """
    one, two = structure(first), structure(second)
    if min(one.std(), two.std()) < FLAT:
        return 0.0
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ROUNDS, TOLERANCE)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        correlation, warp = cv2.findTransformECC(one, two, start, cv2.MOTION_AFFINE, stop, None, BLUR)
    except cv2.error:  # no alignment found
        return 0.0
    return float(correlation) if _is_small(warp, one.shape) else 0.0


def structure(thumbnail: Pixels) -> NDArray[np.float32]:
    """Keep what is neither noise nor the coarse shape: float32 (H, W) in grey levels around 0."""
    image = thumbnail.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(image, (0, 0), sigma) for sigma in (FINE, COARSE))
    return np.asarray(fine - coarse, dtype=np.float32)


def _is_small(warp: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    height, width = shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], np.float64)
    moved = corners @ warp.astype(np.float64).T - corners[:, :2]
    return bool(np.abs(moved / (width, height)).max() <= LARGEST_SHIFT)
