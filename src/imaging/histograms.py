"""How often each level occurs in the images before and after the steps, counted while they pass."""

from math import isqrt
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from src.imaging.pixels import Pixels
from src.imaging.store import table

LEVELS = 256
PIXELS = 16_384  # of an image that are counted, at least, where it has so many: more take time and say the same
CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}
Shares = NDArray[np.float64]


def shares(image: Pixels) -> Shares:
    """Give the share (256, C) of the pixels that each level has, from every n-th row and column of a large image.

    image: uint8 (H, W), (H, W, 1) or (H, W, 3).
    """
    step = max(1, isqrt(image.shape[0] * image.shape[1] // PIXELS))
    pixels = np.ascontiguousarray(image[::step, ::step])
    channels = range(1 if pixels.ndim == 2 else pixels.shape[2])
    counts = [cv2.calcHist([pixels], [channel], None, [LEVELS], [0, LEVELS]).ravel() for channel in channels]
    found: Shares = np.stack(counts, axis=1).astype(np.float64) / (pixels.shape[0] * pixels.shape[1])
    return found


class Histograms:
    """Means over images of the shares before and after the steps; every image counts alike, whatever its size."""

    def __init__(self, before: int, after: int) -> None:
        self._sums = {"before": np.zeros((LEVELS, before)), "after": np.zeros((LEVELS, after))}
        self._images = 0

    def add(self, before: Shares, after: Shares) -> None:
        """Add an image; one in gray counts for each of the channels."""
        self._sums["before"] += before
        self._sums["after"] += after
        self._images += 1

    def write(self, path: Path) -> None:
        """Write a row a level: level, before_gray or before_red, ..., after_gray or after_red, ..."""
        means = {
            f"{stage}_{name}": sums[:, channel] / max(1, self._images)
            for stage, sums in self._sums.items()
            for channel, name in enumerate(CHANNELS[sums.shape[1]])
        }
        with table(path, ("level", *means)) as add_row:
            for level, values in enumerate(zip(*means.values(), strict=True)):
                add_row((level, *(f"{value:.8f}" for value in values)))
