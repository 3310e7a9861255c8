"""What the pictures are like: colour, sizes, dark margins and brightness of a sample spread evenly over the classes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.core.errors import AssayError
from src.download.manifest import Entry
from src.download.scan import Listing
from src.images import decode
from src.images.limits import UnreadableError
from src.images.pixels import Pixels, resized, to_gray
from src.metrics.curves import area

SAMPLED = 64
MOST_BYTES = 150 * 2**20  # of all sampled files, so that looking at large scans takes seconds too
SMALL = 16  # side of the thumbnails by which classes are compared
CHROMA, DARK, RING = 8.0, 16, 0.04
COLOURED = 0.1  # a data set counts as coloured above this share of images with colour
MARGIN_DARK, WITH_MARGIN = 0.7, 0.6  # share of dark pixels in the ring around an image; share of such images
LEAST_BODY = 128  # pixels: what is smaller shows cells and patches rather than bodies
MIXED = 0.2  # standard deviation of the aspect ratios, divided by their mean
VARIED = 1.25  # 90th percentile of the shorter sides, divided by the 10th
TOLD_BY_BRIGHTNESS, TOLD_WITHOUT, LEAST_OF_CLASS = 0.95, 0.7, 6
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pictures:
    """What was measured on N sampled pictures: arrays with an entry for each."""

    label: NDArray[np.str_]
    sides: Floats  # (N, 2) height and width in pixels
    coloured: NDArray[np.bool_]
    framed: NDArray[np.bool_]  # dark at the margins
    level: Floats  # mean, 0..255
    small: Floats  # (N, 256) thumbnails

    @property
    def in_colour(self) -> bool:
        return bool(self.coloured.mean() > COLOURED)

    @property
    def size(self) -> tuple[float, float]:
        """Median height and width in pixels."""
        height, width = np.median(self.sides, axis=0)
        return float(height), float(width)

    @property
    def mixed(self) -> bool:
        """Whether their aspect ratios (width by height) differ."""
        aspects = self.sides[:, 1] / self.sides[:, 0]
        return len(aspects) > 1 and bool(aspects.std(ddof=1) > MIXED * aspects.mean())

    @property
    def shorter(self) -> tuple[float, float]:
        """The 10th and 90th percentile of the shorter sides, in pixels."""
        low, high = np.percentile(self.sides.min(axis=1), (10, 90))
        return float(low), float(high)

    @property
    def varied(self) -> bool:
        return self.shorter[1] > VARIED * self.shorter[0]

    @property
    def dark_margins(self) -> bool:
        """Whether most are gray with a dark frame around a body, as in CT slices."""
        return bool(min(self.size) >= LEAST_BODY and not self.in_colour and self.framed.mean() >= WITH_MARGIN)

    def brightness_auc(self) -> float:
        """Return the best AUC, 0.5 to 1, of the mean level for one class against the rest; 0.5 with too few images."""
        sides = [self.label == one for one in np.unique(self.label)]
        found = [area(side, self.level) for side in sides if min(side.sum(), (~side).sum()) >= LEAST_OF_CLASS]
        return max((max(auc, 1 - auc) for auc in found), default=0.5)

    def told_by_brightness_alone(self) -> bool:
        """Return whether the mean level tells a class, but thumbnails standardized to mean 0 and deviation 1 do not."""
        if self.brightness_auc() < TOLD_BY_BRIGHTNESS:
            return False
        flat = self.small - self.small.mean(axis=1, keepdims=True)
        return _nearest_mean_share(flat / np.maximum(flat.std(axis=1, keepdims=True), 1e-6), self.label) < TOLD_WITHOUT


def look_at(entries: Sequence[Entry], files: Listing, max_megapixels: float) -> Pictures:
    """Decode and measure up to 64 images, equally many of each class, and skip those that cannot be read.

    Raises:
        AssayError: none of them can be read.
    """
    looks: list[tuple[object, ...]] = []
    unreadable, left = 0, MOST_BYTES
    for entry in sampled(entries):
        path = files.files[entry.path]
        left -= path.stat().st_size
        if left < 0 and looks:
            break
        try:
            looks.append(_measured(entry.label, decode.read(path, max_megapixels)[0]))
        except UnreadableError:
            unreadable += 1
    if not looks:
        raise AssayError(f"{files.where}: expected pictures, but none of {unreadable} that were tried can be read")
    return Pictures(*map(np.array, zip(*looks, strict=True)))


def sampled(entries: Sequence[Entry]) -> list[Entry]:
    """Choose entries that are spread evenly over each class, one class after the other in turn."""
    by_class: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_class[entry.label].append(entry)
    share = max(1, SAMPLED // max(1, len(by_class)))
    chosen = [of_class[:: max(1, len(of_class) // share)][:share] for of_class in by_class.values()]
    return [each[place] for place in range(share) for each in chosen if place < len(each)][:SAMPLED]


def _measured(label: str, image: Pixels) -> tuple[object, ...]:
    """Return the entries of one picture in the arrays of `Pictures`."""
    gray = to_gray(image)
    border = max(1, round(RING * min(gray.shape)))
    ring = np.ones(gray.shape, np.bool_)
    ring[border:-border, border:-border] = False
    framed = float(np.mean(gray[ring] < DARK)) >= MARGIN_DARK and float(np.mean(gray[~ring] >= DARK)) > 0.2
    small = resized(gray, SMALL, SMALL).astype(np.float64).ravel()
    return label, gray.shape, _is_coloured(image), framed, float(gray.mean()), small


def _is_coloured(image: Pixels) -> bool:
    """Distinguish colour from gray that is stored in three channels, which differ only through compression."""
    if image.ndim == 2:
        return False
    little = resized(image, min(64, image.shape[1]), min(64, image.shape[0])).astype(np.int16)
    return float(np.percentile(np.ptp(little, axis=2), 90)) > CHROMA


def _nearest_mean_share(vectors: Floats, labels: NDArray[np.str_]) -> float:
    """Return the share of vectors (N, F) that are nearest to the mean of their own class, leaving out the vector."""
    own = labels[:, None] == np.unique(labels)
    left = own.T @ vectors - own[:, :, None] * vectors[:, None]
    means = left / np.maximum(own.sum(axis=0) - own, 1)[:, :, None]
    nearest = ((means - vectors[:, None]) ** 2).sum(axis=2).argmin(axis=1)
    return float(own[np.arange(len(own)), nearest].mean())
