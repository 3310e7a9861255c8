"""A copy of an image is found however it was saved, scaled or cut; another image of the same body is not."""

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from src.images.pixels import thumbnail
from src.split import duplicates
from src.split.duplicates import Hashes, Nearest, correlation, find_duplicates, hash_images, nearest_pairs
from tests.split.conftest import slices

COUNT = 60
COPIED, COPY = 7, 41  # of different parts
PARTS = np.arange(COUNT) % 3


def hashes_of(images: np.ndarray) -> Hashes:
    return hash_images(images, np.stack([thumbnail(image.squeeze()) for image in images]))


def jpeg(quality: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(image: np.ndarray) -> np.ndarray:
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)

    return change


def resized(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(image: np.ndarray) -> np.ndarray:
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    return change


def cut(margin: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(image: np.ndarray) -> np.ndarray:
        return cv2.resize(image[margin:, margin:], image.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    return change


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image.astype(int) + 3, 0, 255).astype(np.uint8)


CHANGES = {
    "jpeg 90": jpeg(90),
    "jpeg 30": jpeg(30),
    "half size": resized(0.5),
    "brighter": brighter,
    "margin cut": cut(2),
    "all": lambda image: jpeg(50)(brighter(resized(0.7)(image))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_copy_in_another_part_is_found_and_nothing_else(change: Callable[[np.ndarray], np.ndarray]) -> None:
    images = slices(COUNT)
    images[COPY, ..., 0] = change(images[COPIED, ..., 0])
    found = find_duplicates(hashes_of(images), PARTS, 0)
    assert [pair[:2] for pair in found.near] == [(COPIED, COPY)]
    assert found.near[0].distance <= 64
    assert found.exact == []


def test_equal_pixels_are_exact_duplicates_and_not_near_ones() -> None:
    images = slices(COUNT)
    images[COPY] = images[COPIED]
    found = find_duplicates(hashes_of(images), PARTS, 0)
    assert [pair[:3] for pair in found.exact] == [(COPIED, COPY, 0)]
    assert found.near == []


def test_one_other_pixel_makes_a_near_duplicate() -> None:
    images = slices(COUNT)
    images[COPY] = images[COPIED]
    images[COPY, 0, 0, 0] ^= 1
    found = find_duplicates(hashes_of(images), PARTS, 0)
    assert (len(found.exact), len(found.near)) == (0, 1)


def test_copies_within_a_part_are_counted_but_not_listed() -> None:
    images = slices(COUNT)
    images[COPIED + 3] = images[COPIED]
    images[COPIED + 6, ..., 0] = jpeg(50)(images[COPIED, ..., 0])
    found = find_duplicates(hashes_of(images), PARTS, 0)
    assert (found.exact_within, found.near_within) == (1, 1)
    assert (found.exact, found.near) == ([], [])


def test_the_same_body_with_other_vessels_is_not_a_duplicate() -> None:
    """The hash cannot tell the two apart: what it sees is the body."""
    images = slices(COUNT)
    random = np.random.default_rng(0)
    body = slices(1, seed=9)[0]
    for row in (COPIED, COPY):
        images[row] = body
        for x, y in random.integers(20, 76, (150, 2)).tolist():
            cv2.circle(images[row, ..., 0], (x, y), 1, 230, -1)
    found = find_duplicates(hashes_of(images), PARTS, 1)
    assert found.near == []
    assert found.others[0][:2] == (COPIED, COPY)
    assert found.others[0].distance < 64


def test_every_copy_of_an_image_is_paired_across_parts() -> None:
    images = slices(COUNT)
    images[[10, 20, 21, 22]] = images[0]
    pairs = {pair[:2] for pair in find_duplicates(hashes_of(images), PARTS, 0).exact}
    assert {row for pair in pairs for row in pair} == {0, 10, 20, 21, 22}
    assert all(PARTS[first] != PARTS[second] for first, second in pairs)


def test_the_nearest_other_pairs_are_given_where_there_are_no_duplicates() -> None:
    found = find_duplicates(hashes_of(slices(COUNT)), PARTS, 5)
    assert (found.exact, found.near, len(found.others)) == ([], [], 5)
    assert [pair.distance for pair in found.others] == sorted(pair.distance for pair in found.others)
    assert all(PARTS[pair.first] != PARTS[pair.second] for pair in found.others)


def test_masses_of_almost_black_images_do_not_exhaust_memory_or_patience() -> None:
    images = np.zeros((900, 16, 16, 1), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.arange(900) % 256, np.arange(900) // 256
    found = find_duplicates(hashes_of(images), np.arange(900) % 3, 3)
    assert found.exact == []
    assert found.radius < 64


def test_colour_images_are_compared_too() -> None:
    images = np.repeat(slices(COUNT), 3, axis=-1)
    images[COPY] = cv2.imdecode(cv2.imencode(".jpg", images[COPIED])[1], cv2.IMREAD_COLOR)
    assert [pair[:2] for pair in find_duplicates(hashes_of(images), PARTS, 0).near] == [(COPIED, COPY)]


def test_flat_images_are_not_alike() -> None:
    flat, other = np.full((64, 64), 90, np.uint8), thumbnail(slices(1)[0, ..., 0])[..., 0]
    assert correlation(flat, flat) == 0
    assert correlation(flat, other) == 0
    assert correlation(other, other) == pytest.approx(1, abs=1e-3)


def signs(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (count, 255))


def anything(some: np.ndarray, rest: np.ndarray) -> np.ndarray:
    return np.ones(len(some), bool)


def slowly(hashes: np.ndarray) -> list[tuple[int, int, int]]:
    """Compare each with each, sorted by distance, then rows."""
    pairs = [
        (int((hashes[first] != hashes[second]).sum()), first, second)
        for first in range(len(hashes))
        for second in range(first + 1, len(hashes))
    ]
    return [(first, second, distance) for distance, first, second in sorted(pairs)]


@pytest.mark.parametrize("most", [1, 7, 100, 10_000])
def test_the_nearest_pairs_are_the_same_as_by_comparing_all(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "ROWS", 16)
    monkeypatch.setattr(duplicates, "COLUMNS", 20)
    hashes = signs(90)
    hashes[[5, 50, 51, 80]] = hashes[3]  # equal distances, for which the order of the rows decides
    first, second = nearest_pairs(hashes, [Nearest(anything, most=most), Nearest(anything, most=3)])
    assert [tuple(pair) for pair in first.tolist()] == slowly(hashes)[:most]
    assert [tuple(pair) for pair in second.tolist()] == slowly(hashes)[:3]


def test_no_pair_beyond_the_radius_and_none_that_is_not_wanted() -> None:
    hashes = signs(60)
    parts = np.arange(60) % 3
    (found,) = nearest_pairs(hashes, [Nearest(lambda some, rest: parts[some] != parts[rest], radius=120)])
    assert [tuple(p) for p in found.tolist()] == [
        p for p in slowly(hashes) if p[2] <= 120 and parts[p[0]] != parts[p[1]]
    ]


def test_ten_thousand_hashes_take_seconds() -> None:
    hashes = signs(10_000)
    hashes[9_999] = hashes[3]
    started = time.process_time()
    (found,) = nearest_pairs(hashes, [Nearest(anything)])
    assert time.process_time() - started < 10
    assert found[0].tolist() == [3, 9_999, 0]
