"""What the pictures are like, from a few of them evenly over the classes: colour, sizes, dark margins, brightness."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.download.manifest import Entry
from src.images import decode
from src.images.limits import UnreadableError
from src.images.pixels import Pixels, resized, to_gray

SAMPLED = 64
MOST_BYTES = 150 * 2**20  # of all sampled files, so that large scans are looked at in seconds too
SMALL = 16  # side of the thumbnails by which classes are compared
CHROMA, DARK, RING = 8.0, 16, 0.04
COLOURED = 0.1  # share of images with colour from which a data set has colour
MARGIN_DARK, WITH_MARGIN = 0.7, 0.6  # of the ring around an image; of the images
LEAST_BODY = 128  # pixels: what is smaller shows cells and patches rather than bodies
VARIED = 1.25  # 90 % to 10 % of the shorter sides
TOLD_BY_BRIGHTNESS, TOLD_WITHOUT, LEAST_OF_CLASS = 0.95, 0.7, 6


@dataclass(frozen=True)
class Look:
    """One sampled picture."""

    label: str
    height: int
    width: int
    coloured: bool
    dark_margin: bool
    level: float
    small: NDArray[np.float64]


@dataclass(frozen=True)
class Pictures:
    """Sampled pictures, and how many could not be read."""

    looks: tuple[Look, ...]
    unreadable: int

    @property
    def coloured(self) -> bool:
        return float(np.mean([look.coloured for look in self.looks])) > COLOURED

    @property
    def dark_margins(self) -> bool:
        """Whether most are gray with a dark frame around a body, as CT slices have it."""
        large = min(self.size) >= LEAST_BODY
        return large and not self.coloured and float(np.mean([look.dark_margin for look in self.looks])) >= WITH_MARGIN

    @property
    def size(self) -> tuple[float, float]:
        """Median height and width in pixels."""
        return float(np.median([look.height for look in self.looks])), float(
            np.median([look.width for look in self.looks])
        )

    @property
    def shorter(self) -> tuple[float, float]:
        """What 10 % and 90 % of the shorter sides stay below, in pixels."""
        low, high = np.percentile([min(look.height, look.width) for look in self.looks], (10, 90))
        return float(low), float(high)

    @property
    def varied(self) -> bool:
        return self.shorter[1] > VARIED * self.shorter[0]

    def brightness_auc(self) -> float:
        """Return how well the mean level tells some class from the others, 0.5 to 1; 0.5 with few of a class."""
        return max((_auc(inside, outside) for inside, outside in self._sides(lambda look: look.level)), default=0.5)

    def told_by_brightness_alone(self) -> bool:
        """Return whether the mean level tells a class, and thumbnails brought to mean 0 and deviation 1 do not."""
        return self.brightness_auc() >= TOLD_BY_BRIGHTNESS and self._told_without() < TOLD_WITHOUT

    def _told_without(self) -> float:
        labels = np.array([look.label for look in self.looks])
        return _nearest_mean_share(np.stack([_flattened(look.small) for look in self.looks]), labels)

    def _sides(self, value: Any) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        values, labels = np.array([value(look) for look in self.looks]), np.array([look.label for look in self.looks])
        sides = [(values[labels == label], values[labels != label]) for label in np.unique(labels)]
        return [pair for pair in sides if min(map(len, pair)) >= LEAST_OF_CLASS]


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
    return Pictures(tuple(looks), unreadable)


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
    small = resized(gray, SMALL, SMALL).astype(np.float64)
    margin = float(np.mean(gray[ring] < DARK)) >= MARGIN_DARK and float(np.mean(gray[~ring] >= DARK)) > 0.2
    height, width = gray.shape[:2]
    return Look(label, height, width, _is_coloured(image), margin, float(gray.mean()), small)


def _is_coloured(image: Pixels) -> bool:
    """Distinguish colour from gray that is stored in three channels, where only compression makes these differ."""
    if image.ndim == 2:
        return False
    little = resized(image, min(64, image.shape[1]), min(64, image.shape[0])).astype(np.int16)
    return float(np.percentile(np.ptp(little, axis=2), 90)) > CHROMA


def _flattened(small: NDArray[np.float64]) -> NDArray[np.float64]:
    flat: NDArray[np.float64] = ((small - small.mean()) / max(float(small.std()), 1e-6)).ravel()
    return flat


def _auc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    above = float(np.mean((inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)))
    return max(above, 1 - above)


def _nearest_mean_share(vectors: NDArray[np.float64], labels: NDArray[np.str_]) -> float:
    """Return the share of vectors that are nearest to the mean of their own class, from which each is left out."""
    names, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.stack([vectors[classes == number].sum(axis=0) for number in range(len(names))])
    right = 0
    for vector, own in zip(vectors, classes, strict=True):
        left = counts - (np.arange(len(names)) == own)
        means = (sums - vector * (np.arange(len(names)) == own)[:, None]) / np.maximum(left, 1)[:, None]
        right += int(np.argmin(((means - vector) ** 2).sum(axis=1)) == own)
    return right / len(vectors)
