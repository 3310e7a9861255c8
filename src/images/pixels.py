"""Arrays of pixels, and the operations on them that decoding and the preprocessing steps share."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W) gray or (H, W, 3) RGB, 0..255
THUMBNAIL = 64  # side in pixels
OUTLIERS = (1, 99)  # percentiles; values between them are certainly not outliers
DARK, FLAT = 16, 8  # gray levels
SAMPLED, BLOCK = 1_000_000, 4_000_000  # values


def to_gray(image: Pixels) -> Pixels:
    """Convert to gray with the ITU-R BT.601 weights of red, green and blue; a gray image is returned unchanged."""
    return image if image.ndim == 2 else as_pixels(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def to_rgb(image: Pixels) -> Pixels:
    """Repeat a gray image in three channels; an RGB image is returned unchanged."""
    return image if image.ndim == 3 else as_pixels(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))


def thumbnail(image: Pixels) -> Pixels:
    """Shrink to gray (64, 64, 1); taken before any crop step, it lets the audit of the split find copies."""
    return resized(to_gray(image), THUMBNAIL, THUMBNAIL)[..., np.newaxis]


def is_dark_or_flat(image: Pixels) -> bool:
    """True if more than 99 % of the pixels are below level 16, or all lie less than 8 levels apart."""
    return bool(np.ptp(image) < FLAT or np.count_nonzero(image >= DARK) < image.size / 100)


def full_range(values: NDArray[np.generic]) -> tuple[float, float]:
    """Return the range of the values without outliers: the percentiles 1 and 99, widened by at most their distance.

    The result is the minimum and the maximum, unless a burnt-in marker or a dead pixel lies far outside, which would
    compress all other values into a few dark levels. Of more than a million values, the percentiles use every n-th.
    """
    least, most = float(values.min()), float(values.max())
    some = values.reshape(-1)[:: values.size // SAMPLED + 1]
    low, high = (float(value) for value in np.percentile(some.astype(np.float64), OUTLIERS))
    if not high > low:
        return least, most
    return max(least, low - (high - low)), min(most, high + (high - low))


def to_levels(values: NDArray[np.generic], low: float, high: float) -> Pixels:
    """Map numbers of any range to 0..255: `low` and less to 0, `high` and more to 255, linear and rounded between.

    Without contrast (`high` not above `low`) all is black. Blocks of rows save memory: floats need 8 times as much.
    """
    levels = np.zeros(values.shape, np.uint8)
    if high > low:
        rows = max(1, BLOCK // max(1, values[:1].size))
        for start in range(0, len(values), rows):
            scaled = (values[start : start + rows].astype(np.float64) - low) / (high - low) * 255
            levels[start : start + rows] = np.rint(np.clip(scaled, 0, 255))
    return levels


def resized(image: Pixels, width: int, height: int) -> Pixels:
    """Resize to (height, width): by area, or bilinearly if no side shrinks, where area would show the old pixels."""
    grows = width >= image.shape[1] and height >= image.shape[0]
    kind = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    return as_pixels(cv2.resize(image, (width, height), interpolation=kind))


def as_pixels(array: NDArray[np.generic]) -> Pixels:
    """Return an array that OpenCV made from uint8 with the type Pixels."""
    return np.asarray(array, dtype=np.uint8)
