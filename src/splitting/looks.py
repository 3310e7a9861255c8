"""How an image looks, in a form that can be compared with all others: a digest, a thumbnail, a perceptual hash."""

import hashlib
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from src.imaging.pixels import Pixels
from src.splitting.rows import Ints

FREQUENCIES = 16  # lowest ones kept of each axis
BITS = FREQUENCIES**2 - 1  # without the mean


class Looks(NamedTuple):
    """Contents (N,), equal for equal pixels; thumbnails uint8 (N, 64, 64); hashes int8 (N, 255) of -1, 1."""

    contents: Ints
    thumbnails: Pixels
    hashes: NDArray[np.int8]


def look(images: Pixels, thumbnails: Pixels) -> Looks:
    """Look once at every prepared image, uint8 (N, H, W, C), and its thumbnail from before the steps (N, 64, 64, 1)."""
    digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
    numbers = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    small = np.asarray(thumbnails[..., 0])
    hashes = np.stack([perceptual_hash(image) for image in small])
    return Looks(np.array([numbers[digest] for digest in digests], dtype=np.intp), small, hashes)


def perceptual_hash(small: Pixels) -> NDArray[np.int8]:
    """Say of the 255 lowest frequencies of a thumbnail (64, 64) which lie above their median: int8 (255,) of -1, 1.

    The pHash of Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), with 16x16
    instead of 8x8 coefficients: chest slices differ in the finer ones. The distance of two hashes is the number of
    bits that differ, about 127 for unrelated images.
    """
    lowest = cv2.dct(small.astype(np.float32))[:FREQUENCIES, :FREQUENCIES].ravel()[1:]
    return np.where(lowest > np.median(lowest), 1, -1).astype(np.int8)
