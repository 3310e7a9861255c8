"""The features of all images in a few arrays, in files that the system may put out of memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.imaging.pixels import Pixels
from src.splitting.lookalikes.features import BINS, SIDE, Features, Points
from src.splitting.rows import Ints


@dataclass(frozen=True)
class Packed:
    """Of N images with T features: image i has those from starts[i] to starts[i + 1].

    points (T, 2), descriptors uint8 (T, 128), pictures uint8 (N, SIDE, SIDE), scales (N, 2).
    """

    starts: Ints
    points: Points
    descriptors: Pixels
    pictures: Pixels
    scales: Points

    def __len__(self) -> int:
        return len(self.scales)

    @property
    def images(self) -> Ints:
        """(T,) the image of each feature."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def __getitem__(self, image: int) -> Features:
        part = slice(int(self.starts[image]), int(self.starts[image + 1]))
        return Features(self.points[part], self.descriptors[part], self.pictures[image], self.scales[image])


def pack(features: Iterable[Features], folder: Path) -> Packed:
    """Write features one image after the other to files in `folder`, and map them: 50 kB an image at most."""
    counts, scales = [0], []
    with (
        (folder / "points").open("wb") as points,
        (folder / "descriptors").open("wb") as descriptors,
        (folder / "pictures").open("wb") as pictures,
    ):
        for one in features:
            counts.append(len(one.points))
            scales.append(one.scale)
            points.write(one.points.tobytes())
            descriptors.write(one.descriptors.tobytes())
            pictures.write(one.picture.tobytes())
    starts, total = np.cumsum(counts), sum(counts)
    return Packed(
        starts,
        np.asarray(_map(folder / "points", np.dtype(np.float32), (total, 2))),
        np.asarray(_map(folder / "descriptors", np.dtype(np.uint8), (total, BINS))),
        np.asarray(_map(folder / "pictures", np.dtype(np.uint8), (len(scales), SIDE, SIDE))),
        np.array(scales, np.float32),
    )


def _map(path: Path, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Map a file; an empty one cannot be mapped."""
    return np.memmap(path, kind, "r", shape=shape) if path.stat().st_size else np.empty(shape, kind)
