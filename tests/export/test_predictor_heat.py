"""Occlusion is hottest where the probability of the class comes from, in the right place and orientation."""

import numpy as np

from src.export.predictor import occlusion
from src.images.pixels import Pixels
from src.metrics.predictions import Floats


def by_corner(images: Pixels) -> Floats:
    """Take the upper right of an image for the class: the brighter, the more probable."""
    chance = 0.05 + 0.9 * images[:, 10:20, 60:70, 0].mean(axis=(1, 2)) / 255
    return np.stack([1 - chance, chance], axis=1)


def test_covering_what_speaks_for_the_class_is_hottest() -> None:
    image = np.full((48, 72, 1), 30, np.uint8)
    image[10:20, 60:70] = 250
    found = occlusion(image, 1, by_corner)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert (row * 48 / 12, column * 72 / 12) == (12, 60)
    assert found[8, 2] == 0
    assert occlusion(image, 0, by_corner).max() <= 0
