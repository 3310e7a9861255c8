"""Each trace answers to what it is named after."""

import cv2
import numpy as np

from src.split.shortcuts import TRACES, pixel_traces
from tests.split.conftest import slices

IMAGE = slices(1)[0]


def named(image: np.ndarray) -> dict[str, float]:
    return dict(zip(TRACES, pixel_traces(image).tolist(), strict=True))


def test_blur_takes_the_finest_bands_and_the_sharpness() -> None:
    before, after = named(IMAGE), named(cv2.GaussianBlur(IMAGE, (0, 0), 1)[..., None])
    assert after["sharpness"] < before["sharpness"] - 1
    assert after["power of band 9"] < before["power of band 9"] - 1
    assert after["power of band 0"] > before["power of band 0"]


def test_strong_jpeg_leaves_block_edges() -> None:
    coded = cv2.imdecode(cv2.imencode(".jpg", IMAGE, [cv2.IMWRITE_JPEG_QUALITY, 5])[1], cv2.IMREAD_GRAYSCALE)
    before, after = named(IMAGE), named(coded[..., None])
    for direction in ("block edges across", "block edges down"):
        assert after[direction] > 1.3 * before[direction]


def test_saturation_and_borders_are_told_apart() -> None:
    image = np.full((50, 60, 1), 100, np.uint8)
    image[:, -4:], image[10:20, 10:20] = 255, 0
    found = named(image)
    assert found["white"] == 4 / 60
    assert found["black"] == 100 / 3000
    assert found["right border mean"] == 255
    assert found["left border mean"] == 100
    assert found["left border deviation"] == 0
    assert found["top border deviation"] > 0


def test_a_flat_or_tiny_image_has_finite_traces() -> None:
    for shape in ((50, 50, 1), (8, 8, 3)):
        assert np.isfinite(pixel_traces(np.zeros(shape, np.uint8))).all()
