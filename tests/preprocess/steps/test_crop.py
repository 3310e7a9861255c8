"""The body is found as the study says: what counts as a contour of it, and what does not."""

import cv2
import numpy as np
import pytest

from src.images.pixels import Pixels
from src.preprocess.pipeline import Box, Frame
from src.preprocess.steps import clahe, crop
from tests import sections
from tests.images.helpers import section

WHOLE = Box(0, 0, 512, 512)


def black(*rectangles: tuple[int, int, int, int], level: int = 200) -> Pixels:
    """Draw filled rectangles (left, top, right, bottom) on 512x512 black."""
    image = np.zeros((512, 512), np.uint8)
    for left, top, right, bottom in rectangles:
        image[top:bottom, left:right] = level
    return image


def body(image: Pixels, **params: float) -> Box:
    return crop.body(image, sections.crop(**params))


def test_the_box_is_that_of_the_blurred_body() -> None:
    # the 3x3 mean one pixel outside an edge is 200 * 3 / 9 = 67, above 50; at the corner 200 / 9 = 22, below
    assert body(black((100, 120, 300, 340))) == Box(99, 119, 301, 341)


def test_the_threshold_is_the_last_level_that_is_background() -> None:
    assert body(black((100, 100, 200, 200), level=50)) == WHOLE
    assert body(black((100, 100, 200, 200), level=51)) == Box(101, 101, 199, 199)  # 51 * 6 / 9 at the edges


def test_the_blur_swallows_single_pixels() -> None:
    image = black((100, 100, 200, 200))
    image[10:500:7, 10:500:7] = np.maximum(image[10:500:7, 10:500:7], 255)  # a mean of 28 around each
    assert body(image) == Box(99, 99, 201, 201)


def test_several_contours_give_their_union() -> None:
    assert body(black((50, 60, 150, 160), (300, 280, 420, 400))) == Box(49, 59, 421, 401)


@pytest.mark.parametrize(("side", "counts"), [(13, False), (14, True)])
def test_a_contour_has_to_be_above_200_pixels(side: int, counts: bool) -> None:
    # the contour runs through pixel centres of the blurred square: (side + 1)^2 less its four corners of 1/2
    box = body(black((100, 100, 200, 200), (400, 400, 400 + side, 400 + side)))
    assert (box == Box(99, 99, 401 + side, 401 + side)) == counts


def test_a_contour_of_half_the_image_does_not_count() -> None:
    assert body(black((10, 10, 500, 270))) == Box(9, 9, 501, 271)  # 0.49 of the image
    assert body(black((10, 10, 500, 290))) == WHOLE  # 0.53


def test_holes_count_where_the_body_is_too_large() -> None:
    image = black((0, 0, 512, 512))
    image[200:300, 100:200] = 0
    image[220:320, 300:400] = 0
    left, top, right, bottom = body(image)
    assert (left, top, right, bottom) == pytest.approx((100, 200, 400, 320), abs=2)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(
    ("width", "height", "counts"),
    [(40, 170, False), (40, 140, True), (60, 170, True), (47, 149, False), (48, 149, True), (47, 148, True)],
)
def test_what_is_narrow_and_long_does_not_count(width: int, height: int, counts: bool, flipped: bool) -> None:
    # the box is two pixels larger than the rectangle each way: narrower than 50, longer than 150
    strip = (400, 20, 400 + width, 20 + height)
    body_box = (100, 300, 200, 400)
    image = black(body_box, strip)
    box = body(image.T.copy() if flipped else image)
    assert (box == Box(99, 299, 201, 401) or box == Box(299, 99, 401, 201)) != counts


def test_an_image_without_contours_is_kept() -> None:
    assert body(black()) == WHOLE
    assert body(np.full((512, 512), 255, np.uint8)) == WHOLE


def test_a_box_below_min_box_is_not_trusted() -> None:
    letter = black((20, 20, 60, 60))
    assert body(letter) == Box(19, 19, 61, 61)
    assert body(letter, min_box=0.1) == WHOLE
    assert body(black((100, 100, 300, 300)), min_box=0.1) == Box(99, 99, 301, 301)


def test_the_box_is_cut_out_and_reported() -> None:
    image, frame = black((100, 120, 300, 340)), Frame(section())
    cut = crop.apply(image, frame)
    assert cut.shape == (222, 202)
    assert frame.box == Box(99, 119, 301, 341)
    np.testing.assert_array_equal(cut, image[119:341, 99:301])


def test_colour_is_cropped_by_its_gray() -> None:
    image = np.dstack([black(), black((100, 100, 300, 300)), black()])  # green weighs 0.587: 117
    assert crop.apply(image, Frame(section(color="rgb"))).shape == (200, 200, 3)  # 117 / 3 just outside is below 50


def test_the_body_is_found_on_the_image_before_clahe() -> None:
    image = black((150, 150, 350, 350))
    dim = np.random.default_rng(0).integers(0, 45, image.shape, dtype=np.uint8)
    image = np.maximum(image, cv2.GaussianBlur(dim, (0, 0), 1.5))
    frame = Frame(section(clahe={"clip_limit": 20.0, "tile_grid": 8}))
    equalized = clahe.apply(image, frame)
    assert body(equalized) != Box(149, 149, 351, 351)  # CLAHE lifts the dim noise above the threshold
    assert crop.apply(equalized, frame).shape == (202, 202)
    assert frame.box == Box(149, 149, 351, 351)


def test_a_resize_between_clahe_and_crop_is_followed() -> None:
    frame = Frame(section())
    frame.before_clahe = black((100, 100, 300, 300))
    cut = crop.apply(np.zeros((256, 1024), np.uint8), frame)
    assert frame.box == Box(198, 49, 602, 151)  # 99..301 in 512: doubled across; halved down, to whole pixels outwards
    assert cut.shape == (102, 404)
