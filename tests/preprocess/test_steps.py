"""The steps that change levels or size, against values worked out by hand."""

import numpy as np
import pytest

from src.images.pixels import Pixels
from src.preprocess.pipeline import Frame
from src.preprocess.steps import clahe, detail, gray, resize, stretch, working_size
from tests.images.helpers import section, smooth

FRAME = Frame(section())


def flat(*levels: int) -> Pixels:
    return np.uint8([levels])


def checkers(side: int) -> Pixels:
    """The finest structure there is: pixels of 0 and 200 in turn."""
    return (np.indices((side, side)).sum(axis=0) % 2 * 200).astype(np.uint8)


def test_gray_weighs_red_green_and_blue() -> None:
    pixels = np.uint8([[[200, 0, 0], [0, 200, 0], [0, 0, 200], [90, 90, 90]]])
    assert gray.apply(pixels, FRAME).tolist() == [[60, 117, 23, 90]]


def test_gray_leaves_gray_alone() -> None:
    assert gray.apply(flat(1, 2), FRAME).tolist() == [[1, 2]]


def test_stretch_reaches_both_ends() -> None:
    assert stretch.apply(flat(50, 100, 150), FRAME).tolist() == [[0, 128, 255]]  # 127.5 rounded to even


def test_stretch_keeps_hues_by_using_one_range_for_all_channels() -> None:
    assert stretch.apply(np.uint8([[[50, 100, 150]]]), FRAME).tolist() == [[[0, 128, 255]]]


def test_stretch_of_a_flat_image_is_black() -> None:
    assert stretch.apply(flat(77, 77), FRAME).tolist() == [[0, 0]]


def test_stretch_leaves_a_full_range_alone() -> None:
    assert stretch.apply(flat(0, 3, 255), FRAME).tolist() == [[0, 3, 255]]


def test_working_size_is_the_mean_over_the_area_of_each_pixel() -> None:
    image = np.kron(np.uint8([[10, 30], [50, 90]]), np.ones((8, 16), np.uint8))
    image[:, ::4] += 8  # the mean of four columns, the width of a new pixel, is 2 more
    small = working_size.apply(image, Frame(section(working_size=8)))
    assert small.shape == (8, 8)
    assert np.unique(small).tolist() == [12, 32, 52, 92]
    assert small[0, 0] == 12
    assert small[7, 7] == 92


def test_working_size_makes_a_square_of_any_shape() -> None:
    frame = Frame(section(working_size=64))
    for shape in ((8, 300), (500, 20), (64, 64), (30, 40, 3)):
        assert working_size.apply(np.zeros(shape, np.uint8), frame).shape[:2] == (64, 64)


def test_resize_shrinks_by_area_so_that_fine_structure_becomes_its_mean() -> None:
    assert np.unique(resize.apply(checkers(64), FRAME)).tolist() == [100]


def test_resize_takes_height_before_width() -> None:
    assert resize.apply(checkers(64), Frame(section(image_size=[60, 80]))).shape == (60, 80)


def test_resize_enlarges_smoothly() -> None:
    image = np.repeat(np.uint8([[0, 255] * 4]), 8, axis=0)
    assert len(np.unique(resize.apply(image, FRAME))) > 2


def test_detail_leaves_nothing_finer_than_its_side() -> None:
    image = detail.apply(checkers(128), Frame(section(detail=64)))
    assert image.shape == (64, 64)
    assert image.min() == image.max() == 100


def test_detail_brings_the_same_picture_from_two_resolutions_together() -> None:
    small = smooth(96, 96, channels=1)
    large = np.kron(small, np.ones((4, 4), np.uint8))
    noise = np.random.default_rng(0).integers(-30, 30, large.shape)
    large = np.clip(large + noise, 0, 255).astype(np.uint8)
    frame = Frame(section(detail=48))
    apart = detail.apply(large, frame).astype(int) - detail.apply(small, frame)
    assert np.abs(apart).max() <= 6  # noise of 17 levels over 64 pixels is 2


def test_clahe_keeps_the_image_before_for_the_crop() -> None:
    image, frame = smooth(64, 64, channels=1) // 4, Frame(section())
    equalized = clahe.apply(image, frame)
    assert frame.before_clahe is image
    assert equalized.std() > image.std()


def test_clahe_with_one_tile_and_no_limit_equalizes_the_histogram() -> None:
    frame = Frame(section(clahe={"clip_limit": 1000.0, "tile_grid": 1}))
    image = np.repeat(np.uint8([100, 110, 120, 130]), 64).reshape(16, 16)
    # each level is a quarter of all pixels, so the cumulative histogram is 1/4, 2/4, 3/4, 4/4 of 255
    assert np.unique(clahe.apply(image, frame)).tolist() == [64, 128, 191, 255]


@pytest.mark.parametrize("limit", [1.0, 8.0])
def test_clahe_follows_its_clip_limit(limit: float) -> None:
    image = np.clip(np.random.default_rng(0).normal(100, 4, (128, 128)), 0, 255).astype(np.uint8)
    spread = clahe.apply(image, Frame(section(clahe={"clip_limit": limit, "tile_grid": 8}))).std()
    assert spread < 10 if limit == 1.0 else spread > 20


def test_clahe_of_rgb_changes_lightness_and_leaves_the_hue_alone() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0] = np.tile(np.arange(100, 164, dtype=np.uint8), (64, 1))
    equalized = clahe.apply(image, Frame(section(color="rgb"))).astype(int)
    assert equalized[..., 0].std() > image[..., 0].std()
    assert (equalized[..., 0] > equalized[..., 1] + 40).all()
    assert (equalized[..., 0] > equalized[..., 2] + 40).all()
