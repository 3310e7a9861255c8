"""What an image is known again by: local features, and a small picture to compare what lies between them.

SIFT: Lowe, "Distinctive image features from scale-invariant keypoints" (2004).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from src.images.decode import read
from src.images.pixels import Pixels, resized
from src.split.index import Ints

AREA = 320 * 240  # pixels of the working image, whatever its aspect: scaled copies come to one size
SMALLEST_SIDE = 24  # pixels of the working image, however long and thin
FEATURES = 256  # strongest ones of an image
CONTRAST = 0.01  # of SIFT; its usual 0.04 leaves too few on pale cells
DARK = 16  # grey level up to which a border region counts as fill
MARGIN = 7  # pixels around fill in which its edge is part of a feature
SIDE = 96  # pixels of the picture
BINS = 128  # 4 x 4 places of 8 directions each
# A mirrored image has the mirrored descriptors: the rows of places in reverse order, and directions of other sign.
MIRROR = np.arange(BINS).reshape(4, 4, 8)[::-1][..., -np.arange(8) % 8].ravel()
Points = NDArray[np.float32]


class Features(NamedTuple):
    """Points (K, 2) x, y and descriptors uint8 (K, 128); a picture uint8 (SIDE, SIDE); points per pixel of it (2,)."""

    points: Points
    descriptors: Pixels
    picture: Pixels
    scale: Points


RECORD = np.dtype(
    [("count", np.int64), ("points", np.float32, (FEATURES, 2)), ("descriptors", np.uint8, (FEATURES, BINS)),
     ("picture", np.uint8, (SIDE, SIDE)), ("scale", np.float32, 2)]
)  # fmt: skip


class Packed:
    """Features of N images, a record of 44 kB each in a file; in memory are only those that are asked for."""

    def __init__(self, features: Iterable[Features], file: Path) -> None:
        """Write features one image after the other to a new file; `counts` (N,) says how many each has."""
        self._file, counts = file, []
        with file.open("wb") as out:
            for one in features:
                record = np.zeros(1, RECORD)
                counts.append(len(one.points))
                record["count"], record["picture"], record["scale"] = len(one.points), one.picture, one.scale
                record["points"][0, : len(one.points)] = one.points
                record["descriptors"][0, : len(one.points)] = one.descriptors
                out.write(record.tobytes())
        self.counts: Ints = np.array(counts, np.intp)

    def __len__(self) -> int:
        return len(self.counts)

    def read(self, start: int, images: int) -> NDArray[Any]:
        """Read the records of so many images."""
        return np.fromfile(self._file, RECORD, images, offset=start * RECORD.itemsize)

    def __getitem__(self, image: int) -> Features:
        record = self.read(image, 1)[0]
        count = record["count"]
        return Features(record["points"][:count], record["descriptors"][:count], record["picture"], record["scale"])


def read_features(path: Path) -> Features:
    """Read an image that preprocess has read before, so of an accepted size, and describe it."""
    image, _ = read(path, float("inf"), gray=True, keep_damaged=True)
    return describe(image)


def describe(gray: Pixels) -> Features:
    """Describe an image, uint8 (H, W), by at most 256 features; one without structure has none."""
    height, width = gray.shape
    scale = float(np.sqrt(AREA / (width * height)))
    shape = [max(SMALLEST_SIDE, round(side * scale)) for side in (width, height)]
    work = resized(gray, *shape)
    sift = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=CONTRAST)
    found, descriptors = sift.detectAndCompute(work, _not_fill(work))
    points = np.array([point.pt for point in found[:FEATURES]], np.float32).reshape(-1, 2)
    return Features(
        points,
        np.empty((0, BINS), np.uint8) if descriptors is None else descriptors[:FEATURES].astype(np.uint8),
        resized(work, SIDE, SIDE),
        (np.array(shape) / SIDE).astype(np.float32),
    )


def _not_fill(work: Pixels) -> Pixels:
    """Mark with 255 what is not near fill, dark regions at the border, as copies have: their edge is no content."""
    dark = cv2.morphologyEx((work <= DARK).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    regions = cv2.connectedComponents(dark, connectivity=4)[1]
    border = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    fill = np.isin(regions, border[border > 0]).astype(np.uint8)
    near = cv2.dilate(fill, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
    return np.asarray((1 - near) * 255, dtype=np.uint8)
