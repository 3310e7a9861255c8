"""A shortcut that is there is found, one that is not there is not."""

import cv2
import numpy as np
import pytest

from src.images.store import open_images
from src.split import shortcuts
from src.split.index import read_rows
from src.split.shortcuts import cross_validated, divide, held_out, measure, warnings
from tests.split.conftest import Store, slices

COUNT = 120
LABELS = ["b" if row % 2 else "a" for row in range(COUNT)]
GROUPS = [f"patient {row // 3}" for row in range(COUNT)]


def test_a_class_told_by_its_format_is_found_and_said(store: Store) -> None:
    formats = ["JPEG" if label == "a" or row % 10 == 1 else "PNG" for row, label in enumerate(LABELS)]
    prepared = store(slices(COUNT), LABELS, group=GROUPS, format=formats)
    found = measure(read_rows(prepared), open_images(prepared), 1)
    assert found.files is not None
    assert found.files.value > 0.85
    assert found.single["format"].value > 0.85
    assert found.single["width"].value == 0.5
    assert "size and format of the files alone" in warnings(found)[0]
    assert "format alone 0.87" in warnings(found)[0]


def test_facts_that_have_nothing_to_do_with_the_class_give_no_warning(store: Store) -> None:
    random = np.random.default_rng(0)
    prepared = store(
        slices(COUNT),
        LABELS,
        group=GROUPS,
        width=random.integers(200, 900, COUNT).tolist(),
        bytes=random.integers(9000, 90_000, COUNT).tolist(),
        format=random.choice(["PNG", "JPEG"], COUNT).tolist(),
    )
    found = measure(read_rows(prepared), open_images(prepared), 1)
    assert found.files.low < 0.55
    assert found.remaining.low < 0.6
    assert warnings(found) == []


def test_blur_of_one_class_remains_in_the_pixels_and_is_said(store: Store) -> None:
    images = slices(COUNT)
    images[1::2, ..., 0] = [cv2.GaussianBlur(image[..., 0], (0, 0), 1.2) for image in images[1::2]]
    prepared = store(images, LABELS, group=GROUPS)
    found = measure(read_rows(prepared), open_images(prepared), 1)
    assert found.files.value == 0.5
    assert found.remaining.value > 0.95
    assert "prepared images" in warnings(found)[0]


def test_the_sources_own_test_part_is_scored_where_it_ships_one(store: Store) -> None:
    widths = [500 if label == "a" else 300 for label in LABELS]
    folds = ["test" if row >= 80 else "train" for row in range(COUNT)]
    prepared = store(slices(COUNT), LABELS, group=GROUPS, width=widths, fold=folds)
    found = measure(read_rows(prepared), open_images(prepared), 1)
    assert found.official is not None
    assert found.official.value == 1


def test_a_patient_in_two_folds_does_not_flatter_the_score() -> None:
    """Features that only name the patient tell a class that is the patient's, unless whole patients are left out."""
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(40), 10)
    features = random.normal(size=(40, 3))[groups] + random.normal(size=(400, 3)) * 0.01
    classes = random.permutation(np.arange(40) % 2)[groups]
    alone = cross_validated(features, classes, np.arange(400), divide(classes, np.arange(400), 1), 1)
    whole = cross_validated(features, classes, groups, divide(classes, groups, 1), 1)
    assert alone is not None
    assert whole is not None
    assert alone.value > 0.95
    assert whole.value < 0.75


def test_three_classes_are_scored_one_against_the_rest() -> None:
    classes = np.arange(90) % 3
    features = (classes == 2).astype(float)[:, None]
    found = cross_validated(features, classes, np.arange(90), divide(classes, np.arange(90), 1), 1)
    assert found is not None
    assert found.value == pytest.approx((0.75 + 0.75 + 1) / 3, abs=0.06)


def test_what_cannot_be_measured_is_none() -> None:
    features, classes = np.arange(8.0)[:, None], np.array([0, 0, 0, 0, 0, 0, 1, 1])
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 6])
    assert cross_validated(features, classes, groups, divide(classes, groups, 1), 1) is None
    assert held_out(features, classes, np.arange(8), np.arange(6), np.array([6, 7]), 1) is None


def test_the_same_forest_says_the_same_to_the_last_bit_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "cores", lambda: 4)
    features = np.random.default_rng(0).normal(size=(150, 6))
    classes, rows = (features[:, 0] > 0).astype(np.int64), np.arange(150)
    said = {shortcuts._probabilities(features, classes, rows[:100], rows[100:], 1).tobytes() for _ in range(8)}
    assert len(said) == 1
