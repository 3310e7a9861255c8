"""What an image is recognized by: local features, and a small picture to compare what lies between them.

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

AREA = 320 * 240  # pixels of the working image at any aspect ratio, so that scaled copies get the same size
SMALLEST_SIDE = 24  # pixels of the working image, even if it is long and thin
FEATURES = 256  # the strongest of an image
CONTRAST = 0.01  # threshold of SIFT; its default of 0.04 leaves too few features on pale cells
DARK = 16  # grey level up to which a border region counts as fill
MARGIN = 7  # pixels around fill in which a feature would include the edge of the fill
SIDE = 96  # pixels of the picture
BINS = 128  # 4 x 4 places of 8 directions each
# A mirrored image has the mirrored descriptors: the rows of places reversed, and directions of opposite sign.
MIRROR = np.arange(BINS).reshape(4, 4, 8)[::-1][..., -np.arange(8) % 8].ravel()
Points = NDArray[np.float32]


class Features(NamedTuple):
    """Points (K, 2) as x, y in the working image, descriptors uint8 (K, 128), and a picture uint8 (SIDE, SIDE).

    scale: (2,) pixels of the working image per pixel of the picture, in x and y.
    """

    points: Points
    descriptors: Pixels
    picture: Pixels
    scale: Points


RECORD = np.dtype(
    [("count", np.int64), ("points", np.float32, (FEATURES, 2)), ("descriptors", np.uint8, (FEATURES, BINS)),
     ("picture", np.uint8, (SIDE, SIDE)), ("scale", np.float32, 2)]
)  # fmt: skip


class Packed:
    """Features of N images in a file, one record of 44 kB each; only the records asked for are in memory."""

    def __init__(self, features: Iterable[Features], file: Path) -> None:
        """Write the features of one image after the other to a new file; `counts` (N,) is their number per image."""
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
        """Read the records of `images` images from number `start` on."""
        return np.fromfile(self._file, RECORD, images, offset=start * RECORD.itemsize)

    def __getitem__(self, image: int) -> Features:
        record = self.read(image, 1)[0]
        count = record["count"]
        return Features(record["points"][:count], record["descriptors"][:count], record["picture"], record["scale"])


def read_features(path: Path) -> Features:
    """Read an image and describe it; its size is not checked, as preprocess has already accepted it."""
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
    """Return a mask, 255 where no fill (dark border regions, as copies have) is near: its edge is no content."""
    dark = cv2.morphologyEx((work <= DARK).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    regions = cv2.connectedComponents(dark, connectivity=4)[1]
    border = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    fill = np.isin(regions, border[border > 0]).astype(np.uint8)
    near = cv2.dilate(fill, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8))
    return np.asarray((1 - near) * 255, dtype=np.uint8)
