"""The affine warp does to an image what Keras' ImageDataGenerator does, and depends on its own key alone."""

import numpy as np
import pytest

from src import models  # noqa: F401  loads TensorFlow quietly before Keras is imported below
from src.config import Augment
from src.train import augment
from tests import sections

import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

SIDE = 40
FULL = sections.augment(rotation=40, shift=0.2, shear=20, zoom=0.2, flip="both")
TINY = 0.01  # grey levels: the float32 rounding of two libraries


def images(count: int, height: int = SIDE, width: int = SIDE, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def keras_pixels(image: np.ndarray, section: Augment, draw: np.ndarray) -> np.ndarray:
    spread = 2 * draw - 1
    return ImageDataGenerator(fill_mode=section.fill).apply_transform(
        image.astype(np.float32),
        {
            "theta": section.rotation * spread[0],
            "tx": section.shift * SIDE * spread[1],
            "ty": section.shift * SIDE * spread[2],
            "shear": section.shear * spread[3],
            "zx": 1 + section.zoom * spread[4],
            "zy": 1 + section.zoom * spread[5],
            "flip_horizontal": draw[6] < 0.5 and section.flip in ("horizontal", "both"),
            "flip_vertical": draw[7] < 0.5 and section.flip in ("vertical", "both"),
        },
    )


@pytest.mark.parametrize("fill", ["nearest", "reflect"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "section",
    [
        FULL,
        sections.augment(rotation=180),
        sections.augment(shift=0.4),
        sections.augment(shear=30),
        sections.augment(zoom=0.5),
        sections.augment(flip="horizontal"),
        sections.augment(flip="vertical"),
    ],
    ids=["all", "rotation", "shift", "shear", "zoom", "horizontal", "vertical"],
)
def test_pixels_equal_those_of_image_data_generator(section: Augment, channels: int, fill: str) -> None:
    section = section.model_copy(update={"fill": fill})
    originals = images(12, channels=channels)
    draws = augment.draws(3, 1, len(originals))
    ours = augment.warp(originals, augment.matrices(section, draws, SIDE, SIDE), fill)
    assert ours.dtype == np.float32
    for image, draw, warped in zip(originals, draws, ours, strict=True):
        assert np.abs(warped - keras_pixels(image, section, draw)).max() < TINY


def test_constant_fill_is_black_outside_and_the_same_inside() -> None:
    originals = images(12) | 1
    draws = augment.draws(3, 1, len(originals))
    matrices = augment.matrices(sections.augment(rotation=40, shift=0.3), draws, SIDE, SIDE)
    constant, nearest = (augment.warp(originals, matrices, fill) for fill in ("constant", "nearest"))
    outside = constant == 0
    assert 0.1 < outside.mean() < 0.9
    assert (np.abs(constant - nearest)[~outside] < TINY).mean() > 0.9


def test_no_range_changes_nothing() -> None:
    originals = images(5)
    matrices = augment.matrices(sections.augment(), augment.draws(0, 1, 5), SIDE, SIDE)
    assert np.array_equal(augment.warp(originals, matrices, "nearest"), originals)


def test_an_oblong_image_turns_about_its_centre() -> None:
    draw = np.full((1, augment.DRAWS), 0.5)
    draw[:, 0] = 1.0
    original = images(1, 30, 50)
    turned = augment.warp(original, augment.matrices(sections.augment(rotation=180), draw, 30, 50), "nearest")
    assert np.abs(turned[0] - original[0, ::-1, ::-1]).max() < TINY


def test_an_images_draws_depend_on_seed_epoch_and_its_own_row_alone() -> None:
    few, many = augment.draws(1, 4, 10), augment.draws(1, 4, 1000)
    assert np.array_equal(few, many[:10])
    assert not np.isclose(few, augment.draws(1, 5, 10)).any()
    assert not np.isclose(few, augment.draws(2, 4, 10)).any()
    assert len(np.unique(many)) == many.size


def test_flips_happen_half_of_the_time() -> None:
    matrices = augment.matrices(sections.augment(flip="horizontal"), augment.draws(1, 1, 2000), SIDE, SIDE)
    assert 0.45 < np.mean(matrices[:, 0, 0] < 0) < 0.55
    assert (matrices[:, 1, 1] == 1).all()


def test_contrast_and_brightness_are_those_of_keras() -> None:
    originals = images(4, channels=3).astype(np.float32)
    draw = np.tile(np.linspace(0, 0.9, augment.DRAWS), (4, 1))
    section = sections.augment(contrast=0.4, brightness=0.3)
    factor, added = 1 + 0.4 * (2 * draw[0, -2] - 1), 0.3 * (2 * draw[0, -1] - 1)
    expected = np.clip(tf.image.adjust_contrast(originals, factor), 0, 255)
    expected = np.clip(expected + 255 * added, 0, 255)
    found = augment.tone(originals, section, draw)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=TINY)
    assert (found == 255).any()


def test_tone_without_a_range_changes_nothing_and_the_warp_does_not_depend_on_it() -> None:
    originals = images(4).astype(np.float32)
    assert augment.tone(originals, sections.augment(), augment.draws(0, 1, 4)) is originals
    plain, toned = (augment.matrices(section, augment.draws(0, 1, 4), SIDE, SIDE) for section in
                    (FULL, FULL.model_copy(update={"brightness": 0.2})))  # fmt: skip
    assert np.array_equal(plain, toned)
