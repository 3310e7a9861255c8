"""Random rotation, shift, shear, zoom and flip of an image as one affine warp, then random contrast and brightness."""

import cv2
import numpy as np
from numpy.typing import NDArray

from src.config import Augment
from src.core import random_streams
from src.train import class_balance

BORDERS = {
    "nearest": cv2.BORDER_REPLICATE,
    "constant": cv2.BORDER_CONSTANT,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
}
PLACED, TONED = 8, 2  # random numbers per image: for the warp; for contrast and brightness
DRAWS = PLACED + TONED
WHITE = 255
Floats = NDArray[np.float64]
Value = Floats | float


def changes(section: Augment) -> bool:
    """Return whether these settings change any image."""
    return section.flip != "none" or any(value for value in section.model_dump(exclude={"flip", "fill"}).values())


def draws(seed: int, epoch: int, images: int, copy: int = 0) -> Floats:
    """Draw the random numbers of an epoch, (images, 10) in [0, 1): row i belongs to image i of the packed store.

    The row of an image depends only on seed, epoch, its number and which copy of it this is; the order of the images,
    the batch size and the other images of the part do not change how it is augmented.
    """
    names = (epoch, copy) if copy else (epoch,)
    placed = random_streams.stream(seed, "augment", *names).random((images, PLACED))
    return np.hstack([placed, random_streams.stream(seed, "tone", *names).random((images, TONED))])


def draws_of(rows: NDArray[np.int64], seed: int, epoch: int, images: int) -> Floats:
    """Return the draws (N, 10) of rows (N,) of the packed store; each repetition of a row gets different draws."""
    numbers = class_balance.copies(rows)
    lines = np.empty((len(rows), DRAWS))
    for copy in range(int(numbers.max(initial=0)) + 1):
        here = numbers == copy
        lines[here] = draws(seed, epoch, images, copy)[rows[here]]
    return lines


def matrices(section: Augment, draw: Floats, height: int, width: int) -> Floats:
    """Turn draws (N, 10) into matrices (N, 2, 3) that map output to input pixel coordinates (x, y).

    On square images these are the matrices of Keras' ImageDataGenerator: rotation, shift, shear and zoom in this
    order about the centre, flips last. On other images, that class rotates about a point off the centre; this does not.
    """
    spread = 2 * draw - 1
    turn, shear = np.deg2rad(section.rotation) * spread[:, 0], np.deg2rad(section.shear) * spread[:, 3]
    zoom = 1 + section.zoom * spread[:, 4:6]
    warp = (
        _affine(np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0)
        @ _affine(1, 0, section.shift * height * spread[:, 1], 0, 1, section.shift * width * spread[:, 2])
        @ _affine(1, -np.sin(shear), 0, 0, np.cos(shear), 0)
        @ _affine(zoom[:, 0], 0, 0, 0, zoom[:, 1], 0)
        @ _affine(_sign(section, "horizontal", draw[:, 6]), 0, 0, 0, _sign(section, "vertical", draw[:, 7]), 0)
    )
    centre = _affine(1, 0, width / 2 - 0.5, 0, 1, height / 2 - 0.5)
    return (centre @ warp @ np.linalg.inv(centre))[:, :2]


def warp(images: NDArray[np.uint8], transforms: Floats, fill: str) -> NDArray[np.float32]:
    """Warp images (N, H, W, C) by matrices (N, 2, 3) with linear interpolation; the value range is kept."""
    height, width = images.shape[1:3]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = np.empty(images.shape, np.float32)
    for image, transform, place in zip(images, transforms, warped, strict=True):
        pixels = image.astype(np.float32)
        cv2.warpAffine(pixels, transform, (width, height), dst=place, flags=flags, borderMode=BORDERS[fill])
    return warped


def tone(images: NDArray[np.float32], section: Augment, draw: Floats) -> NDArray[np.float32]:
    """Change contrast, then brightness, of images (N, H, W, C) by draws (N, 10); values are clipped to 0..255.

    As in Keras' RandomContrast and RandomBrightness, the distance of each channel to its mean is multiplied by up to
    1 +- contrast, then up to +- brightness x 255 is added.
    """
    if not (section.contrast or section.brightness):
        return images
    spread = (2 * draw[:, PLACED:, None, None, None] - 1).astype(np.float32)
    middle = images.mean(axis=(1, 2), keepdims=True)
    toned: NDArray[np.float32] = np.clip((images - middle) * (1 + section.contrast * spread[:, 0]) + middle, 0, WHITE)
    return np.clip(toned + section.brightness * WHITE * spread[:, 1], 0, WHITE, out=toned)


def _sign(section: Augment, direction: str, draw: Floats) -> Floats:
    flips = (draw < 0.5) & (section.flip in (direction, "both"))
    return np.where(flips, -1.0, 1.0)


def _affine(a: Value, b: Value, x: Value, c: Value, d: Value, y: Value) -> Floats:
    """Return matrices (N, 3, 3) with rows (a, b, x), (c, d, y) and (0, 0, 1), given as numbers or arrays (N,)."""
    return np.stack(np.broadcast_arrays(a, b, x, c, d, y, 0.0, 0.0, 1.0), axis=-1).reshape(-1, 3, 3)
