"""Rare classes: how often their images come in an epoch, and what each weighs."""

import numpy as np
import pytest

from src.core import random_streams
from src.train import augment, class_balance
from src.train.data import Batches, Part
from tests import sections

TARGETS = np.array([0] * 7 + [1] * 3 + [2] * 2)


def counts(how: str, epoch: int = 1) -> list[int]:
    return np.bincount(TARGETS[class_balance.chosen(TARGETS, how, 0, epoch)]).tolist()


def test_class_weights_are_n_over_k_times_the_count() -> None:
    np.testing.assert_allclose(class_balance.class_weights(TARGETS, 3), [12 / 21, 12 / 9, 12 / 6], rtol=1e-6)
    assert class_balance.class_weights(TARGETS, 3)[TARGETS].mean() == pytest.approx(1)


@pytest.mark.parametrize("how", ["none", "weights", "focal"])
def test_where_images_are_not_chosen_each_comes_once(how: str) -> None:
    assert class_balance.chosen(TARGETS, how, 0, 1).tolist() == list(range(12))
    assert class_balance.size(TARGETS, how) == 12


def test_oversampling_shows_all_classes_alike_and_every_image() -> None:
    places = class_balance.chosen(TARGETS, "oversample", 0, 1)
    assert counts("oversample") == [7, 7, 7]
    assert len(places) == class_balance.size(TARGETS, "oversample") == 21
    times = np.bincount(places)
    assert (times[:7] == 1).all()
    assert sorted(times[7:10]) == [2, 2, 3]
    assert sorted(times[10:]) == [3, 4]


def test_undersampling_shows_all_classes_alike_and_others_in_each_epoch() -> None:
    assert counts("undersample") == [2, 2, 2]
    assert class_balance.size(TARGETS, "undersample") == 6
    epochs = [set(class_balance.chosen(TARGETS, "undersample", 0, epoch)) for epoch in range(1, 30)]
    assert set.union(*epochs) == set(range(12))
    assert (
        class_balance.chosen(TARGETS, "undersample", 0, 1).tolist()
        == class_balance.chosen(TARGETS, "undersample", 0, 1).tolist()
    )


def test_an_image_that_comes_again_is_augmented_differently_and_once_as_ever() -> None:
    rows = np.array([4, 2, 4, 4])
    drawn = augment.draws_of(rows, 0, 1, 6)
    assert np.array_equal(drawn[:2], augment.draws(0, 1, 6)[[4, 2]])
    assert len(np.unique(drawn[[0, 2, 3]])) == 3 * augment.DRAWS


def test_batches_of_an_epoch_hold_what_was_chosen() -> None:
    images = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1)
    batches = Batches(images, Part(np.arange(12), TARGETS), 4)
    shown = list(batches.augmented(sections.augment(), 3, 2, "oversample"))
    assert [len(targets) for _, targets in shown] == [4, 4, 4, 4, 4, 1]
    pixels = np.concatenate([pixels.ravel() for pixels, _ in shown]).astype(int)
    assert sorted(pixels) == sorted(class_balance.chosen(TARGETS, "oversample", 3, 2))
    assert np.array_equal(TARGETS[pixels], np.concatenate([targets for _, targets in shown]))
    order = random_streams.stream(3, "shuffle", 2).permutation(21)
    assert np.array_equal(pixels, class_balance.chosen(TARGETS, "oversample", 3, 2)[order])
