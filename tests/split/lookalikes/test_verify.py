"""Which changes a copy may have gone through, and what does not make two images one."""

import cv2
import numpy as np
import pytest

from src.images.pixels import Pixels
from src.split.lookalikes.features import describe
from src.split.lookalikes.verify import Evidence, compare
from tests.split.lookalikes.helpers import moved, smear


def judged(first: Pixels, second: Pixels, mirrored: bool = False) -> Evidence:
    return compare(describe(first), describe(second), mirrored)


@pytest.mark.parametrize(
    ("change", "mirrored"),
    [
        ({}, False),
        ({"angle": 33}, False),
        ({"angle": 180}, False),
        ({"scale": (-1, 1)}, True),
        ({"scale": (1, -1), "angle": 70}, True),
        ({"scale": (-1, -1)}, False),
        ({"scale": (0.8, 1.2)}, False),
        ({"shift": (0.2, -0.2)}, False),
        ({"angle": 12, "shift": (0.1, 0.1), "fill": cv2.BORDER_REPLICATE}, False),
        ({"angle": -25, "scale": (1.2, 0.9), "fill": cv2.BORDER_REFLECT}, False),
    ],
)
def test_a_copy_is_known_again_after(change: dict, mirrored: bool) -> None:
    image = smear(1)
    assert judged(image, moved(image, **change), mirrored).same
    assert not judged(image, moved(image, **change), not mirrored).same


def test_a_copy_is_known_again_scaled_squeezed_saved_and_brightened() -> None:
    image = smear(2)
    assert judged(image, cv2.resize(image, (480, 360), interpolation=cv2.INTER_CUBIC)).same
    assert judged(image, cv2.resize(image, (120, 120), interpolation=cv2.INTER_AREA)).same
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    assert judged(image, cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)).same
    assert judged(image, np.uint8(image * 0.7 + 40)).same


def test_slides_with_other_cells_are_not_the_same() -> None:
    every = [describe(smear(number)) for number in range(8)]
    found = [
        compare(one, two, mirrored)
        for place, one in enumerate(every)
        for two in every[:place]
        for mirrored in (False, True)
    ]
    assert not any(evidence.same for evidence in found)
    assert max(evidence.inliers for evidence in found) < 12


def test_the_same_letters_on_other_images_do_not_make_them_one() -> None:
    """The letters alone give many features that lie alike; the rest of the images does not."""

    def lettered(number: int) -> Pixels:
        image = cv2.resize(smear(number), (320, 240), interpolation=cv2.INTER_CUBIC)
        for text, place in (("R PORTABLE", (5, 25)), ("SUPINE", (5, 50)), ("KV 80 MAS 2", (5, 228))):
            cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
        return image

    evidence = judged(lettered(0), lettered(1))
    assert evidence.inliers >= 20, "otherwise this tests nothing"
    assert not evidence.same


def test_images_without_structure_are_not_the_same() -> None:
    flat = np.full((100, 120), 90, np.uint8)
    assert describe(flat).points.shape == (0, 2)
    assert not judged(flat, flat).same


def test_the_edge_of_the_fill_of_a_turned_copy_bears_no_features() -> None:
    flat = np.full((120, 160), 200, np.uint8)
    assert len(describe(moved(flat, angle=20)).points) == 0
