"""How an image looks, in a form that can be compared with all others: a digest, a thumbnail, a perceptual hash."""

import hashlib
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from src.imaging.pixels import Pixels
from src.splitting.rows import Ints

THUMBNAIL = 64  # side in pixels
FREQUENCIES = 16  # lowest ones kept of each axis
BITS = FREQUENCIES**2 - 1  # without the mean


class Looks(NamedTuple):
    """Contents (N,), equal for equal pixels; thumbnails uint8 (N, 64, 64); hashes int8 (N, 255) of -1, 1."""

    contents: Ints
    thumbnails: Pixels
    hashes: NDArray[np.int8]


def look(images: Pixels) -> Looks:
    """Look at every image, uint8 (N, H, W, C), once; only thumbnails and hashes stay in memory."""
    digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
    numbers = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    thumbnails = np.stack([thumbnail(image) for image in images])
    hashes = np.stack([perceptual_hash(small) for small in thumbnails])
    return Looks(np.array([numbers[digest] for digest in digests], dtype=np.intp), thumbnails, hashes)


def thumbnail(image: Pixels) -> Pixels:
    """Shrink an image, uint8 (H, W, C), to gray uint8 (64, 64)."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[-1] == 3 else image[..., 0]
    small = cv2.resize(np.ascontiguousarray(gray), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def perceptual_hash(small: Pixels) -> NDArray[np.int8]:
    """Say of the 255 lowest frequencies of a thumbnail (64, 64) which lie above their median: int8 (255,) of -1, 1.

    The pHash of Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), with 16x16
    instead of 8x8 coefficients: chest slices differ in the finer ones. The distance of two hashes is the number of
    bits that differ, about 127 for unrelated images.
    """
    lowest = cv2.dct(small.astype(np.float32))[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    return np.where(lowest > np.median(lowest), 1, -1).astype(np.int8)
