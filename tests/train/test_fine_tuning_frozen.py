"""Kept features of a frozen part: the same training as with the whole network, at a fraction of its cost."""

import numpy as np
import pytest

from src import models
from src.train import data, fine_tuning, fit
from src.train.data import Batches
from src.train.fine_tuning import FeatureBatches
from tests import sections
from tests.train.conftest import Store

import keras

SECTION = sections.train(
    epochs=5, batch_size=8, optimizer="adam", learning_rate=0.01, fine_tune=sections.fine_tune(frozen_epochs=5)
)
COMPACT = sections.model(name="compact_cnn", dropout=0.3, stride=2, pooling="average")
MOVED = sections.augment(shift=0.2, flip="horizontal")


@pytest.mark.parametrize(
    ("augment", "epochs"),
    [(sections.augment(), fine_tuning.SETS + 1), (MOVED, fine_tuning.SETS)],
    ids=["as they are", "augmented"],
)
def test_a_training_on_kept_features_is_that_of_the_whole_network(
    store: Store, monkeypatch: pytest.MonkeyPatch, augment, epochs: int
) -> None:
    """Dropout in front of the output layer included; the losses depend on the gradients of all steps before."""
    section = SECTION.model_copy(update={"augment": augment, "epochs": epochs})
    given = data.load(store.prepared, store.split)
    kept = fit(given, COMPACT, section, 1)
    monkeypatch.setattr(fine_tuning, "divide", lambda model: None)
    whole = fit(given, COMPACT, section, 1)
    for ours, theirs in zip(kept.rows, whole.rows, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)
    for pair in zip(kept.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_allclose(*pair, atol=1e-5)


def kept_batches(store: Store) -> tuple[FeatureBatches, list[int]]:
    """Give batches whose features are the pixels, and a list that grows by the images of each forward pass."""
    given = data.load(store.prepared, store.split)
    body = keras.Sequential([keras.Input(given.images.shape[1:]), keras.layers.Flatten()])
    passed: list[int] = []
    forward = body.predict_on_batch
    body.predict_on_batch = lambda pixels: passed.append(len(pixels)) or forward(pixels)
    return FeatureBatches(Batches(given.images, given.train, 8), body), passed


def shown(batches) -> list[np.ndarray]:
    return [np.column_stack([features.reshape(len(targets), -1), targets]) for features, targets in batches]


def same(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return all(np.array_equal(*pair) for pair in zip(some, others, strict=True))


def test_the_frozen_part_sees_each_image_once_for_each_of_so_many_augmentations(store: Store) -> None:
    batches, passed = kept_batches(store)
    epochs = [shown(batches.augmented(MOVED, 0, epoch)) for epoch in range(1, 8)]
    vals = [shown(batches.plain()) for _ in range(2)]
    assert sum(passed) == 20 * (fine_tuning.SETS + 1)
    assert same(vals[0], shown(batches.pixels.plain()))
    assert same(vals[0], vals[1])
    for epoch in range(fine_tuning.SETS):
        assert same(epochs[epoch], shown(batches.pixels.augmented(MOVED, 0, epoch + 1)))
    first, again = (np.concatenate(epochs[number]) for number in (0, fine_tuning.SETS))
    assert not np.array_equal(first, again)
    assert sorted(map(tuple, first)) == sorted(map(tuple, again))


@pytest.mark.parametrize("balance", ["none", "oversample"])
def test_an_epoch_does_not_depend_on_what_was_computed_before(store: Store, balance: str) -> None:
    """So an interrupted training goes on as it would have."""
    batches, _ = kept_batches(store)
    expected = [shown(batches.augmented(MOVED, 0, epoch, balance)) for epoch in range(1, 5)]
    later, _ = kept_batches(store)
    assert same(shown(later.augmented(MOVED, 0, 4, balance)), expected[-1])


def test_a_part_that_is_random_itself_is_not_kept() -> None:
    network = models.build("blood_cnn", (20, 20, 3), 2)
    assert fine_tuning.divide(network) is None
