"""How often each level occurs in the images before and after the steps, counted while they pass."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from src.images.pixels import Pixels
from src.images.store import table

LEVELS = 256
SIDE = 40  # of the grid of pixels that are counted, and images at most:
MOST = 500  # more take time, and over all images say the same
CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}
Counts = NDArray[np.float32]


def levels(image: Pixels) -> Counts:
    """Count (C, 256) how often each level occurs among the pixels of a grid over the image: 40 by 40 of them.

    image: uint8 (H, W), (H, W, 1) or (H, W, 3).
    """
    grid = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST).reshape(SIDE, SIDE, -1)
    counts = [cv2.calcHist([grid], [channel], None, [LEVELS], [0, LEVELS]) for channel in range(grid.shape[2])]
    return np.concatenate(counts, axis=None, dtype=np.float32).reshape(-1, LEVELS)


def counted(paths: Sequence[str]) -> frozenset[str]:
    """Choose the images that are counted: all, or evenly every n-th."""
    return frozenset(paths[:: max(1, -(-len(paths) // MOST))])


class Histograms:
    """Shares of the pixels at each level before and after the steps; every image counts alike, whatever its size."""

    def __init__(self, before: int, after: int) -> None:
        self._sums = {"before": np.zeros((before, LEVELS)), "after": np.zeros((after, LEVELS))}
        self._images = 0

    def add(self, before: Counts, after: Counts) -> None:
        """Add an image; one in gray counts for each of the channels."""
        self._sums["before"] += before
        self._sums["after"] += after
        self._images += 1

    def write(self, path: Path) -> None:
        """Write a row a level: level, before_gray or before_red, ..., after_gray or after_red, ..."""
        means = {
            f"{stage}_{name}": sums[channel] / max(1, self._images) / SIDE**2
            for stage, sums in self._sums.items()
            for channel, name in enumerate(CHANNELS[len(sums)])
        }
        with table(path, ("level", *means)) as add_row:
            for level, values in enumerate(zip(*means.values(), strict=True)):
                add_row((level, *(f"{value:.8f}" for value in values)))
