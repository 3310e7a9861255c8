"""The one loop: what it learns, when it ends, what it hands back, and that it can be taken up again."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src.config import Model, Train
from src.core.errors import AssayError
from src.train import Fitted, data, fit, loop
from src.train import run as train
from tests import sections
from tests.train.conftest import Store, build_store, rows

import keras

TINY = sections.model(name="tiny_cnn", dropout=0.3)
DROPOUT = sections.model(name="dropout_cnn", dropout=0.3)
SECTION = sections.train(
    epochs=3,
    batch_size=8,
    optimizer="adam",
    learning_rate=1e-3,
    augment=sections.augment(rotation=10, shift=0.1, zoom=0.1),
)


def fitted(store: Store, model: Model = DROPOUT, section: Train = SECTION, seed: int = 1, **more: object) -> Fitted:
    return fit(data.load(store.prepared, store.split), model, section, seed, **more)


def outputs(store: Store, section: Train = SECTION, seed: int = 1, **more: object) -> dict[str, bytes]:
    train(store.prepared, store.split, store.model, DROPOUT, section, seed, **more)
    return {path.name: path.read_bytes() for path in store.model.folder.iterdir()}


# A rate so high that the validation loss falls, then rises.
UNSTEADY = SECTION.model_copy(
    update={"epochs": 30, "patience": 2, "learning_rate": 0.05, "augment": sections.augment()}
)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the outputs of a training of the usual store that nothing disturbed."""
    return outputs(build_store(tmp_path_factory.mktemp("undisturbed")))


def changed(**values: object) -> Train:
    return SECTION.model_copy(update=values)


def stop_after(epoch: int) -> Callable[[object], None]:
    def stop(row) -> None:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    return stop


def test_it_learns_classes_that_a_network_can_tell_apart(store: Store) -> None:
    last = fitted(store, section=changed(epochs=15, augment=sections.augment())).rows[-1]
    assert last["val_auc"] > 0.95
    assert last["val_loss"] < 0.5


def test_four_classes_train_with_a_softmax(tmp_path: Path) -> None:
    result = fitted(
        build_store(tmp_path, classes=("a", "b", "c", "d")), section=changed(epochs=15, augment=sections.augment())
    )
    assert result.model.output_shape == (None, 4)
    assert result.rows[-1]["val_accuracy"] > 0.7


def test_the_same_inputs_give_the_same_bytes_and_another_seed_gives_others(
    store: Store, expected: dict[str, bytes]
) -> None:
    assert expected.keys() == {"model.keras", "classes.json", "history.csv"}
    assert outputs(store) == expected
    other = outputs(store, seed=2)
    assert other["model.keras"] != expected["model.keras"]
    assert other["history.csv"] != expected["history.csv"]


def test_losses_are_those_that_keras_computes(store: Store) -> None:
    result = fitted(store)
    given = data.load(store.prepared, store.split)
    pixels, targets = given.images[given.val.rows].astype(np.float32), given.val.targets
    result.model.compile(loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(num_thresholds=5000)])
    loss, accuracy, auc = result.model.evaluate(pixels, targets, verbose=0)
    best = result.rows[result.best_epoch - 1]
    assert (loss, accuracy) == pytest.approx((best["val_loss"], best["val_accuracy"]), abs=1e-5)
    assert auc == pytest.approx(best["val_auc"], abs=0.01)


def test_the_model_is_that_of_the_best_epoch_and_training_ends_when_patience_does(store: Store) -> None:
    result = fitted(store, section=UNSTEADY)
    losses = [row["val_loss"] for row in result.rows]
    assert result.stopped == "patience"
    assert result.best_epoch == int(np.argmin(losses)) + 1 == len(losses) - 2
    assert min(losses) < losses[-1] - 0.001
    given = data.load(store.prepared, store.split)
    result.model.compile(loss="binary_crossentropy")
    pixels = given.images[given.val.rows].astype(np.float32)
    assert result.model.evaluate(pixels, given.val.targets, verbose=0) == pytest.approx(min(losses), abs=1e-5)


def test_a_training_that_uses_all_its_epochs_says_so(store: Store) -> None:
    result = fitted(store, TINY)
    assert (result.stopped, len(result.rows), result.resumed_after) == ("epochs", 3, 0)
    assert result.images_per_second > 0


def test_each_row_is_handed_on_and_logged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "src")
    seen: list[object] = []
    result = fitted(store, TINY, on_epoch=[seen.append])
    assert seen == list(result.rows)
    lines = [line for line in caplog.messages if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert lines[0].endswith(" best")


def test_an_interrupted_training_ends_as_one_that_was_not(
    store: Store, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    folder = tmp_path / "checkpoints" / "fingerprint"
    with pytest.raises(KeyboardInterrupt):
        outputs(store, checkpoints=folder, on_epoch=[stop_after(1)])
    rest: list[dict[str, float]] = []
    assert outputs(store, checkpoints=folder, on_epoch=[rest.append]) == expected
    assert [row["epoch"] for row in rest] == [2, 3]
    assert not folder.exists()


def test_an_interruption_while_patience_runs_changes_nothing(store: Store, tmp_path: Path) -> None:
    expected = outputs(store, UNSTEADY)
    last = expected["history.csv"].count(b"\n") - 1
    with pytest.raises(KeyboardInterrupt):
        outputs(store, UNSTEADY, checkpoints=tmp_path / "c", on_epoch=[stop_after(last - 1)])
    assert outputs(store, UNSTEADY, checkpoints=tmp_path / "c") == expected


def test_a_training_stopped_after_its_last_epoch_only_writes_its_outputs(
    store: Store, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outputs(store, checkpoints=tmp_path / "c", on_epoch=[stop_after(3)])
    assert outputs(store, checkpoints=tmp_path / "c", on_epoch=[stop_after(3)]) == expected


def test_a_checkpoint_of_other_inputs_is_not_used(
    store: Store, tmp_path: Path, expected: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outputs(store, section=changed(batch_size=9), checkpoints=tmp_path / "c", on_epoch=[stop_after(1)])
    assert outputs(store, checkpoints=tmp_path / "c") == expected
    assert "belongs to other inputs" in caplog.text


def test_a_damaged_checkpoint_is_said_and_not_used(
    store: Store, tmp_path: Path, expected: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyboardInterrupt):
        outputs(store, checkpoints=tmp_path / "c", on_epoch=[stop_after(1)])
    path = tmp_path / "c" / "state.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert outputs(store, checkpoints=tmp_path / "c") == expected
    assert caplog.text.count("not readable") == 1


# Which of the two is met first depends on whether the relu of a processor passes a NaN on.
@pytest.mark.parametrize(("model", "what"), [(TINY, "loss"), (DROPOUT, "(loss|sum of weights)")])
def test_a_diverged_training_stops_with_the_epoch_and_the_causes(
    store: Store, tmp_path: Path, model: Model, what: str
) -> None:
    section = changed(optimizer="sgd", learning_rate=1e30)
    message = rf"a finite {what}, found nan in epoch 1; likely causes: train\.learning_rate 1e\+30 is too high for sgd"
    with pytest.raises(AssayError, match=message):
        train(store.prepared, store.split, store.model, model, section, 1, checkpoints=tmp_path / "c")
    assert not store.model.folder.exists()
    assert not (tmp_path / "c").exists()


def test_test_images_change_nothing(store: Store, expected: dict[str, bytes]) -> None:
    images = np.load(store.prepared.images)
    images[2::3] = 255
    lines = store.prepared.index.read_text().splitlines()[1:]
    labels = ["CT_COVID" if row % 3 == 2 else line.split(",")[1] for row, line in enumerate(lines)]
    store.write(images, labels, [("train", "val", "test")[row % 3] for row in range(60)])
    assert outputs(store) == expected


def test_class_weights_weigh_train_and_leave_val(store: Store) -> None:
    """Seven of the first class and three of the second in train; at a rate of almost 0 the model stays as it is."""
    given = data.load(store.prepared, store.split)
    kept = np.concatenate([np.flatnonzero(given.train.targets == 0)[:7], np.flatnonzero(given.train.targets == 1)[:3]])
    given = replace(given, train=data.Part(given.train.rows[kept], given.train.targets[kept]))
    section = changed(epochs=1, learning_rate=1e-30, balance="weights", augment=sections.augment(), batch_size=4)
    result = fit(given, sections.model(name="tiny_cnn", dropout=0.0), section, 1)
    losses = {}
    for part in (given.train, given.val):
        probability = result.model(given.images[part.rows].astype(np.float32)).numpy()[:, 0]
        losses[len(part.rows)] = -np.log(np.where(part.targets == 1, probability, 1 - probability))
    weighted = np.where(given.train.targets == 1, 10 / 6, 10 / 14) * losses[10]
    assert result.rows[0]["loss"] == pytest.approx(weighted.mean(), rel=1e-4)
    assert result.rows[0]["loss"] != pytest.approx(losses[10].mean(), rel=1e-3)
    assert result.rows[0]["val_loss"] == pytest.approx(losses[20].mean(), rel=1e-4)


def test_oversampling_and_tone_reach_the_training(store: Store) -> None:
    plain = fitted(store, TINY).rows
    assert fitted(store, TINY, changed(augment=SECTION.augment.model_copy(update={"brightness": 0.3}))).rows != plain
    given = data.load(store.prepared, store.split)
    few = [*np.flatnonzero(given.train.targets == 0).tolist(), int(np.flatnonzero(given.train.targets == 1)[0])]
    given = replace(given, train=data.Part(given.train.rows[few], given.train.targets[few]))
    recalls = [
        fit(given, TINY, changed(epochs=12, balance=how), 1).rows[-1]["val_recall"] for how in ("none", "oversample")
    ]
    assert recalls[0] < 0.5 < recalls[1]


def test_patience_counts_the_epochs_since_the_best_one() -> None:
    assert not loop.stops_early([], 1)
    assert not loop.stops_early(rows(0.9, 0.5, 0.7), 2)
    assert loop.stops_early(rows(0.9, 0.5, 0.7, 0.5), 2)
    assert not loop.stops_early(rows(0.1, 0.5, 0.7, 0.5), 2, start=3)
    assert loop.stops_early(rows(0.1, 0.5, 0.7, 0.5), 2, start=2)


def test_without_a_val_part_patience_ends_nothing() -> None:
    without = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.6}, {"epoch": 3.0, "loss": 0.7}]
    assert not loop.stops_early(without, 1)


def test_the_line_of_an_epoch_says_whether_it_is_the_best() -> None:
    assert loop.epoch_line(rows(0.9, 0.5), 60) == "epoch 2/60 loss 0.5000 val_loss 0.5000 val_auc 0.5000 best"
    assert loop.epoch_line(rows(0.5, 0.9), 60) == "epoch 2/60 loss 0.5000 val_loss 0.9000 val_auc 0.5000"
