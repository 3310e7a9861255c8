"""Frozen first, then tuned from a layer on; interrupted anywhere, with the same end."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from src import models
from src.config import Model, Train
from src.core.errors import AssayError
from src.train import data, fine_tuning, fit, steps
from src.train.fine_tuning import Phase
from tests import sections
from tests.train.conftest import Store, at_once

PLAIN = sections.train(
    epochs=4, batch_size=8, optimizer="adam", learning_rate=0.01, augment=sections.augment(shift=0.1)
)
TINY = sections.model(name="tiny_cnn", dropout=0.3, stride=2, pooling="average")
COMPACT = sections.model(name="compact_cnn", dropout=0.3, stride=2, pooling="average")


def section(**values: object) -> Train:
    return PLAIN.model_copy(update={"fine_tune": sections.fine_tune(**values)})


def weights_by_layer(model) -> dict[str, list[np.ndarray]]:
    return {layer.name: [w.copy() for w in layer.get_weights()] for layer in model.layers if layer.weights}


def fitted(store: Store, section: Train, model: Model = COMPACT, **more: object):
    return fit(data.load(store.prepared, store.split), model, section, 1, **more)


def test_without_freezing_there_is_one_phase_of_all_layers() -> None:
    assert fine_tuning.plan(PLAIN) == [Phase(1, 4, 0.01)]


def test_frozen_epochs_come_first_and_the_rest_at_a_tenth_of_the_rate() -> None:
    first, second = fine_tuning.plan(section(frozen_epochs=1, from_layer="conv2d_2"))
    assert first == Phase(1, 1, 0.01, models.OUTPUT, tuning=True)
    assert second == Phase(2, 4, pytest.approx(0.001), "conv2d_2", tuning=True)
    assert fine_tuning.plan(section(frozen_epochs=1, learning_rate=0.5))[1].rate == 0.5


def test_more_frozen_epochs_than_epochs_freeze_them_all() -> None:
    assert fine_tuning.plan(section(frozen_epochs=9)) == [Phase(1, 4, 0.01, models.OUTPUT, tuning=True)]


def test_a_layer_that_is_not_there_is_told_before_anything_is_trained(store: Store) -> None:
    with pytest.raises(
        AssayError, match=r"from_layer: expected a layer of compact_cnn, found 'conv2d_x'; did you mean"
    ):
        fitted(store, section(from_layer="conv2d_x"))


def changed_layers(store: Store, section: Train) -> set[str]:
    """Name the layers whose weights differ from those of a model that was only made."""
    result = fitted(store, section)
    start = weights_by_layer(fitted(store, section.model_copy(update={"learning_rate": 1e-30})).model)
    end = weights_by_layer(result.model)
    return {
        name for name in start if not all(np.allclose(*p, atol=1e-9) for p in zip(start[name], end[name], strict=True))
    }


def test_only_the_output_layer_learns_while_frozen(store: Store) -> None:
    assert changed_layers(store, section(frozen_epochs=4)) == {models.OUTPUT}


def test_from_a_layer_on_all_but_normalization_learns(store: Store) -> None:
    assert changed_layers(store, section(from_layer="conv2d_3")) == {"conv2d_3", "conv2d_4", models.OUTPUT}


def test_a_model_says_nothing_of_what_was_frozen(store: Store) -> None:
    assert all(layer.trainable for layer in fitted(store, section(frozen_epochs=2)).model.layers)


def test_schedules_begin_anew_in_each_phase(store: Store) -> None:
    stepped = section(frozen_epochs=2).model_copy(
        update={"schedule": sections.schedule(name="step", every=1, factor=0.5)}
    )
    rates = [row["learning_rate"] for row in fitted(store, stepped).rows]
    assert rates == pytest.approx([0.01, 0.005, 0.001, 0.0005])


def test_patience_begins_after_the_frozen_epochs(store: Store) -> None:
    """At a rate of almost 0 no epoch is better than the first one."""
    still = {"patience": 1, "learning_rate": 1e-30, "epochs": 6}
    assert len(fitted(store, section(frozen_epochs=3).model_copy(update=still)).rows) == 4


def also(section: Train, **values: object) -> Train:
    return section.model_copy(update=values)


APPLICATION = sections.model(name="keras_application", pooling="average")
RESUMED = {
    "while frozen": (COMPACT, also(section(frozen_epochs=3, from_layer="conv2d_2"), optimizer="adadelta"), 2),
    "between phases": (COMPACT, section(frozen_epochs=2, from_layer="conv2d_2"), 2),
    "while tuning": (COMPACT, also(section(frozen_epochs=1, from_layer="conv2d_2"), optimizer="rmsprop"), 2),
    "cosine and clipping": (
        TINY,
        also(PLAIN, schedule=sections.schedule(name="cosine", warmup=1), clip_norm=0.1),
        2,
    ),
    "plateau": (TINY, also(PLAIN, schedule=sections.schedule(name="plateau", every=1), optimizer="sgd"), 3),
    "oversampling": (TINY, also(PLAIN, balance="oversample", optimizer="adagrad"), 2),
}


def same_end(store: Store, folder: Path, model: Model, wanted: Train, last: int) -> bool:
    """Train to the end and once more from the checkpoint of an epoch, and compare rows and weights bit for bit."""

    def keep(row: Mapping[str, float]) -> None:
        if row["epoch"] == last:
            shutil.copytree(folder / "whole", folder / "broken")  # what a training has that ends here

    whole = fitted(store, wanted, model, checkpoints=folder / "whole", on_epoch=[keep])
    resumed = fitted(store, wanted, model, checkpoints=folder / "broken")
    assert resumed.resumed_after == last
    pairs = zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True)
    return resumed.rows == whole.rows and all(np.array_equal(*pair) for pair in pairs)


@pytest.mark.parametrize(("model", "wanted", "last"), RESUMED.values(), ids=RESUMED)
def test_an_interrupted_training_ends_as_one_that_was_not(
    store: Store, tmp_path: Path, model: Model, wanted: Train, last: int
) -> None:
    assert same_end(store, tmp_path / "c", model, wanted, last)


@pytest.mark.slow
def test_an_interrupted_tuning_of_a_backbone_ends_as_one_that_was_not(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its steps run line by line: to compile those of so many layers takes many times as long as a few steps."""
    monkeypatch.setattr(steps, "_compiled", at_once)
    images = np.load(store.prepared.images)
    np.save(store.prepared.images, np.pad(images, ((0, 0), (6, 6), (6, 6), (0, 0))))
    wanted = also(section(frozen_epochs=1), balance="weights", epochs=3, batch_size=20)
    assert same_end(store, tmp_path / "c", APPLICATION, wanted, 2)
