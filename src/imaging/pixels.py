"""Arrays of pixels and the few operations on them that reading and steps share."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W) gray or (H, W, 3) RGB, 0..255
THUMBNAIL = 64  # side in pixels


def to_gray(image: Pixels) -> Pixels:
    """Weigh red, green and blue as ITU-R BT.601 does; a gray image stays as it is."""
    return image if image.ndim == 2 else as_pixels(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def to_rgb(image: Pixels) -> Pixels:
    """Repeat a gray image in three channels; an RGB image stays as it is."""
    return image if image.ndim == 3 else as_pixels(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))


def thumbnail(image: Pixels) -> Pixels:
    """Shrink to gray (64, 64, 1), by which the audit of the split finds copies however they were cropped."""
    return resized(to_gray(image), THUMBNAIL, THUMBNAIL)[..., np.newaxis]


def to_levels(values: NDArray[np.generic], low: float, high: float) -> Pixels:
    """Map numbers of any range to 0..255: `low` and less to 0, `high` and more to 255, linear and rounded between.

    No contrast (`high` not above `low`) becomes black.
    """
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    scaled = (values.astype(np.float64) - low) / (high - low) * 255
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def resized(image: Pixels, width: int, height: int) -> Pixels:
    """Resize to (height, width): by area, or bilinear where both axes grow and area would show the old pixels."""
    grows = width >= image.shape[1] and height >= image.shape[0]
    kind = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    return as_pixels(cv2.resize(image, (width, height), interpolation=kind))


def as_pixels(array: NDArray[np.generic]) -> Pixels:
    """Vouch for an array that OpenCV made from uint8."""
    return np.asarray(array, dtype=np.uint8)
