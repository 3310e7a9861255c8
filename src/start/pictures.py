"""What the pictures are like, from a few of them evenly over the classes: colour, sizes, dark margins, brightness."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.download.manifest import Entry
from src.images import decode
from src.images.limits import UnreadableError
from src.images.pixels import Pixels, resized, to_gray
from src.metrics.curves import area

SAMPLED = 64
MOST_BYTES = 150 * 2**20  # of all sampled files, so that large scans are looked at in seconds too
SMALL = 16  # side of the thumbnails by which classes are compared
CHROMA, DARK, RING = 8.0, 16, 0.04
COLOURED = 0.1  # share of images with colour from which a data set has colour
MARGIN_DARK, WITH_MARGIN = 0.7, 0.6  # of the ring around an image; of the images
LEAST_BODY = 128  # pixels: what is smaller shows cells and patches rather than bodies
VARIED = 1.25  # 90 % to 10 % of the shorter sides
TOLD_BY_BRIGHTNESS, TOLD_WITHOUT, LEAST_OF_CLASS = 0.95, 0.7, 6


class Look(NamedTuple):
    """One sampled picture, or of all pictures an array of each."""

    label: Any
    height: Any
    width: Any
    coloured: Any
    dark_margin: Any
    level: Any
    small: Any


class Pictures:
    """Sampled pictures, and how many could not be read."""

    def __init__(self, looks: Sequence[Look], unreadable: int) -> None:
        self.looks, self.unreadable = looks, unreadable

    @cached_property
    def all(self) -> Look:
        return Look(*map(np.array, zip(*self.looks, strict=True)))

    @property
    def coloured(self) -> bool:
        return bool(self.all.coloured.mean() > COLOURED)

    @property
    def dark_margins(self) -> bool:
        """Whether most are gray with a dark frame around a body, as CT slices have it."""
        large = min(self.size) >= LEAST_BODY
        return bool(large and not self.coloured and self.all.dark_margin.mean() >= WITH_MARGIN)

    @property
    def size(self) -> tuple[float, float]:
        """Median height and width in pixels."""
        return float(np.median(self.all.height)), float(np.median(self.all.width))

    @property
    def shorter(self) -> tuple[float, float]:
        """What 10 % and 90 % of the shorter sides stay below, in pixels."""
        low, high = np.percentile(np.minimum(self.all.height, self.all.width), (10, 90))
        return float(low), float(high)

    @property
    def varied(self) -> bool:
        return self.shorter[1] > VARIED * self.shorter[0]

    def brightness_auc(self) -> float:
        """Return how well the mean level tells some class from the others, 0.5 to 1; 0.5 with few of a class."""
        label, level = self.all.label, self.all.level
        sides = [label == one for one in np.unique(label)]
        found = [area(side, level) for side in sides if min(side.sum(), (~side).sum()) >= LEAST_OF_CLASS]
        return max((max(auc, 1 - auc) for auc in found), default=0.5)

    def told_by_brightness_alone(self) -> bool:
        """Return whether the mean level tells a class, and thumbnails brought to mean 0 and deviation 1 do not."""
        if self.brightness_auc() < TOLD_BY_BRIGHTNESS:
            return False
        small = self.all.small - self.all.small.mean(axis=1, keepdims=True)
        flat = small / np.maximum(self.all.small.std(axis=1, keepdims=True), 1e-6)
        return _nearest_mean_share(flat, self.all.label) < TOLD_WITHOUT


def look_at(entries: Sequence[Entry], files: Mapping[str, Path], max_megapixels: float) -> Pictures:
    """Decode up to 64 images, as many of each class; those that cannot be read are counted only."""
    looks: list[Look] = []
    unreadable, left = 0, MOST_BYTES
    for entry in sampled(entries):
        left -= files[entry.path].stat().st_size
        if left < 0 and looks:
            break
        try:
            image, _ = decode.read(files[entry.path], max_megapixels)
            looks.append(_look(entry.label, image))
        except UnreadableError:
            unreadable += 1
    return Pictures(looks, unreadable)


def sampled(entries: Sequence[Entry]) -> list[Entry]:
    """Choose entries evenly over each class, the classes in turn."""
    by_class: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_class[entry.label].append(entry)
    share = max(1, SAMPLED // max(1, len(by_class)))
    chosen = [of_class[:: max(1, len(of_class) // share)][:share] for of_class in by_class.values()]
    return [each[place] for place in range(share) for each in chosen if place < len(each)][:SAMPLED]


def _look(label: str, image: Pixels) -> Look:
    gray = to_gray(image)
    border = max(1, round(RING * min(gray.shape)))
    ring = np.ones(gray.shape, np.bool_)
    ring[border:-border, border:-border] = False
    margin = float(np.mean(gray[ring] < DARK)) >= MARGIN_DARK and float(np.mean(gray[~ring] >= DARK)) > 0.2
    small = resized(gray, SMALL, SMALL).astype(np.float64).ravel()
    height, width = gray.shape
    return Look(label, height, width, _is_coloured(image), margin, float(gray.mean()), small)


def _is_coloured(image: Pixels) -> bool:
    """Distinguish colour from gray that is stored in three channels, where only compression makes these differ."""
    if image.ndim == 2:
        return False
    little = resized(image, min(64, image.shape[1]), min(64, image.shape[0])).astype(np.int16)
    return float(np.percentile(np.ptp(little, axis=2), 90)) > CHROMA


def _nearest_mean_share(vectors: NDArray[np.float64], labels: NDArray[np.str_]) -> float:
    """Return the share of vectors (N, F) nearest to the mean of their own class, from which each is left out."""
    own = labels[:, None] == np.unique(labels)
    left = own.T @ vectors - own[:, :, None] * vectors[:, None]
    means = left / np.maximum(own.sum(axis=0) - own, 1)[:, :, None]
    nearest = ((means - vectors[:, None]) ** 2).sum(axis=2).argmin(axis=1)
    return float(own[np.arange(len(own)), nearest].mean())
