"""The steps run in the order of params, and what cannot work is said before any image is touched."""

import numpy as np
import pytest

from src.core.errors import AssayError
from src.preprocess.pipeline import Box, Frame, compose
from tests.images.helpers import STUDY, section, smooth


def test_the_order_is_that_of_params() -> None:
    def shapes(*steps: str) -> list[tuple[str, tuple[int, ...]]]:
        params = section(*steps, working_size=16)
        return [(name, after.shape) for name, after in compose(params).trail(smooth(channels=1), Frame(params))]

    assert shapes("stretch", "working_size", "resize") == [
        ("stretch", (48, 64)), ("working_size", (16, 16)), ("resize", (32, 32)),
    ]  # fmt: skip
    assert shapes("working_size", "stretch", "resize") == [
        ("working_size", (16, 16)), ("stretch", (16, 16)), ("resize", (32, 32)),
    ]  # fmt: skip


def test_another_order_gives_another_image() -> None:
    image = smooth(200, 200, channels=1) // 3
    one = compose(section("clahe", "stretch", "resize"))(image).image
    other = compose(section("stretch", "clahe", "resize"))(image).image
    assert (one != other).any()


@pytest.mark.parametrize("steps", [("gray",), ("working_size",), ("resize", "crop"), ("resize", "working_size"),
                                   ("working_size", "crop"), ("resize", "detail")])  # fmt: skip
def test_steps_that_do_not_end_at_the_size_are_refused(steps: tuple[str, ...]) -> None:
    with pytest.raises(AssayError, match=r"preprocess\.steps: expected 32x32 at the end"):
        compose(section(*steps))


def test_a_working_size_that_is_the_size_needs_no_resize() -> None:
    assert compose(section("working_size", working_size=32))(smooth()).image.shape == (32, 32, 1)


def test_crop_may_not_stand_twice() -> None:
    with pytest.raises(AssayError, match="crop at most once"):
        compose(section("crop", "crop", "resize"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("steps", [("resize",), ("gray", "resize"), ("resize", "gray"), ("clahe", "gray", "resize")])
@pytest.mark.parametrize(("color", "stored"), [("gray", 1), ("rgb", 3)])
def test_color_decides_the_channels_that_are_stored(
    color: str, stored: int, steps: tuple[str, ...], channels: int
) -> None:
    image = compose(section(*steps, color=color))(smooth(channels=channels)).image
    assert image.shape == (32, 32, stored)
    assert image.dtype == np.uint8


def test_the_gray_step_takes_the_hues_of_an_rgb_store() -> None:
    image = compose(section("gray", "resize", color="rgb"))(smooth()).image
    assert (image[..., 0] == image[..., 1]).all()
    assert (image[..., 0] == image[..., 2]).all()
    plain = compose(section("resize", color="rgb"))(smooth()).image
    assert (plain[..., 0] != plain[..., 1]).any()


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_a_gray_file_and_the_same_stored_as_colour_come_out_alike(color: str) -> None:
    gray = smooth(channels=1)
    for steps in (STUDY, ("clahe", "resize"), ("clahe", "gray", "resize")):
        chain = compose(section(*steps, color=color, working_size=64))
        np.testing.assert_array_equal(chain(gray).image, chain(np.dstack([gray] * 3)).image)


def test_the_box_is_given_where_crop_ran_and_only_there() -> None:
    image = np.zeros((512, 512), np.uint8)
    image[100:300, 100:300] = 255
    assert compose(section(*STUDY))(image).box == Box(99, 99, 301, 301)
    assert compose(section("gray", "resize"))(image).box is None


def test_the_same_image_gives_the_same_result_again() -> None:
    chain = compose(section(*STUDY))
    np.testing.assert_array_equal(chain(smooth()).image, chain(smooth()).image)


@pytest.mark.parametrize(("steps", "warned"), [(("gray", "resize"), True), (("resize",), False)])
def test_colours_that_a_step_takes_out_are_told(
    steps: tuple[str, ...], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    compose(section(*steps, color="rgb"))
    assert ("takes the colours out" in caplog.text) == warned
