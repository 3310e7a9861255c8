import cv2
import numpy as np
import pytest

from src.evaluate.cam_overlay import colour, normalize, overlay


def test_a_map_grows_to_the_sides_of_the_image_the_right_way_round() -> None:
    heat = np.zeros((6, 8))
    heat[1, 6] = 3.0
    shown = normalize(heat, (60, 80))
    assert shown.shape == (60, 80)
    assert (shown.min(), shown.max()) == (0, 1)
    rows, columns = np.nonzero(shown > 0.5)
    assert (rows.mean(), columns.mean()) == pytest.approx((14.5, 64.5))  # the middle of place (1, 6) of ten pixels each


def test_between_the_middles_of_places_a_map_is_linear() -> None:
    shown = normalize(np.array([[0.0, 4.0]]), (1, 8))
    assert shown[0] == pytest.approx([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_what_speaks_against_the_class_counts_as_nothing() -> None:
    assert normalize(np.array([[-5.0, 1.0, 2.0]]), (1, 3))[0] == pytest.approx([0, 0.5, 1])
    assert not normalize(np.full((2, 2), -1.0), (4, 4)).any()


def test_from_a_fifth_on_a_higher_value_is_brighter_and_below_is_nothing() -> None:
    values = np.array([[0.0, 0.19, *np.linspace(0.2, 1, 9)]])
    found = colour(values)
    assert not found[0, :2].any()
    lightness = cv2.cvtColor(found, cv2.COLOR_RGB2LAB)[0, 2:, 0].astype(int)  # to the eye, so that no hue is needed
    assert (np.diff(lightness) > 10).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_overlay_is_half_heat_and_else_the_image(channels: int) -> None:
    image = np.random.default_rng(0).integers(256, size=(3, 4, channels)).astype(np.uint8)
    heat = np.linspace(0, 1, 12).reshape(3, 4)
    found = overlay(image, heat)
    under = np.repeat(image, 3, axis=2) if channels == 1 else image
    assert found.shape == (3, 4, 3)
    assert (found[heat < 0.2] == under[heat < 0.2]).all()
    mixed = np.rint(0.5 * colour(heat) + 0.5 * under)
    assert (found[heat >= 0.2] == mixed[heat >= 0.2]).all()


def test_how_much_speaks_against_the_class_beside_a_place_changes_nothing() -> None:
    slight, strong = (normalize(np.array([[against, 1.0]]), (1, 8)) for against in (-0.1, -9.0))
    assert (slight == strong).all()
