"""A trial is the training of the train stage: repeatable, stopped cleanly, and blind to the test part."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from src import train
from src.config import parse
from src.core.errors import AssayError
from src.executors import training
from src.executors.protocol import Finished, Job, Row
from src.metrics import objectives
from tests.executors.conftest import PARTS, Home, Run


@pytest.fixture(scope="module")
def plain(home: Home) -> Finished:
    """Give what the plain job comes to, trained once."""
    return training.run(home.job(), lambda row: True, home.folder)


def test_the_same_job_gives_the_same_values_also_after_others(home: Home, run: Run, plain: Finished) -> None:
    run(home.job(1, train__batch_size=16, model__stride=1, train__optimizer="sgd", train__epochs=1), home)
    training.run(home.job(1, model__dropout=0.1), lambda row: False, home.folder)
    again = run(home.job(), home)
    assert (again.rows, again.scores) == (plain.rows, plain.scores)
    assert len(plain.rows) == 3
    assert not plain.stopped


def test_a_trial_trains_what_the_train_stage_would_with_its_own_seed(
    home: Home, run: Run, plain: Finished, tmp_path: Path
) -> None:
    job = home.job(seed=5)
    params = parse(job.params)
    fitted = train.run(
        home.prepared,
        home.split,
        train.stage.paths.ModelFiles(tmp_path / "model"),
        params.model,
        params.train,
        5,
        positive=params.dataset.positive,
    )
    found = run(job, home)
    assert found.rows == fitted.rows
    assert found.scores != plain.scores


def test_scores_are_those_of_the_best_epoch(plain: Finished) -> None:
    best = min(plain.rows, key=lambda row: row["val_loss"])
    assert plain.scores["val_loss"] == best["val_loss"]
    assert plain.scores["auc"] == plain.scores["val_auc"] == best["val_auc"]
    assert plain.scores["parameters"] == 6 * (9 + 1) + (6 + 1) * 2 + (2 + 1)
    assert plain.facts["best_epoch"] == best["epoch"]
    assert "f1" not in plain.scores, "evaluate's scores cost a pass over val: only where they are asked for"


def test_every_metric_is_there_where_one_of_evaluate_is_asked_for(home: Home, run: Run, plain: Finished) -> None:
    found = run(home.job(tune__metric=["f1", "parameters"]), home)
    asked = found.scores
    assert set(asked) == set(objectives.METRICS)
    assert {objectives.watched([name]) for name in objectives.METRICS} - {None} <= set(found.rows[0])
    assert {name for name in plain.scores if plain.scores[name] != asked[name]} == set()
    assert asked["log_loss"] == pytest.approx(plain.scores["val_loss"], abs=1e-5)
    tp, fp = asked["sensitivity"] * 10, (1 - asked["specificity"]) * 10
    assert asked["f1"] == pytest.approx(2 * tp / (10 + tp + fp))
    assert asked["sensitivity"] + asked["specificity"] == pytest.approx(2 * asked["balanced_accuracy"])


def test_a_report_of_no_ends_the_training_after_that_epoch(home: Home) -> None:
    seen: list[Row] = []

    def report(row: Row) -> bool:
        seen.append(row)
        return len(seen) < 2

    found = training.run(home.job(), report, home.folder)
    assert found.stopped
    assert list(found.rows) == seen
    assert len(seen) == 2
    assert found.scores["val_loss"] == min(row["val_loss"] for row in seen)


def test_a_loss_that_is_no_number_is_a_reason_in_one_line(
    home: Home, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from src.train import optimizers

    far = replace(optimizers.OPTIMIZERS["sgd"], rate=1e30)
    monkeypatch.setitem(optimizers.OPTIMIZERS, "sgd", far)  # far beyond what params.yaml allows
    with pytest.raises(AssayError, match=r"train: expected a finite") as caught:
        run(home.job(train__optimizer="sgd", train__learning_rate=None, train__schedule__name="constant"), home)
    assert "\n" not in str(caught.value)


def test_images_too_small_for_the_model_are_a_reason(home: Home, run: Run) -> None:
    with pytest.raises(AssayError, match=r"preprocess\.image_size: expected larger images"):
        run(home.job(model__name="malaria_cnn", model__stride=3), home)


def test_memory_that_ran_out_is_a_reason(home: Home) -> None:
    import tensorflow as tf

    for error in (MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")):

        def report(row: Row, error: Exception = error) -> bool:
            raise error

        with pytest.raises(AssayError, match=r"out of memory: tiny_cnn on images of 24x24 in batches of 8"):
            training.run(home.job(), report, home.folder)


def test_params_that_are_wrong_are_a_reason(home: Home, run: Run) -> None:
    job = home.job()
    with pytest.raises(AssayError, match=r"trial 0: train\.epochs: missing"):
        run(replace(job, params=dict(job.params) | {"train": {"batch_size": 8, "optimizer": "sgd"}}), home)


def poison(home: Home) -> None:
    """Ruin the test part: other pixels in the store, other labels, and files that are no images."""
    images = np.load(home.prepared.images)
    test = np.arange(len(images)) % 3 == PARTS.index("test")
    images[test] = np.random.default_rng(1).integers(0, 256, images[test].shape)
    np.save(home.prepared.images, images)
    for table in (home.prepared.index, home.raw.manifest):
        with table.open(newline="") as file:
            lines = list(csv.reader(file))
        for number, line in enumerate(lines[1:]):
            if test[number]:
                line[1] = lines[1][1]
                (home.raw.folder / line[0]).write_bytes(b"poison")
        with table.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)


@pytest.mark.parametrize("values", [{}, {"preprocess__clahe__clip_limit": 9.0}], ids=["pipeline", "variant"])
def test_a_poisoned_test_part_changes_nothing(own_home: Home, run: Run, values: dict[str, float]) -> None:
    job = own_home.job(tune__metric="f1", train__epochs=1, **values)
    before = run(job, own_home)
    poison(own_home)
    shutil.rmtree(own_home.folder / "build" / "tuning", ignore_errors=True)  # else the variant is not made again
    training._loaded.cache_clear()
    after = run(job, own_home)
    assert (after.rows, after.scores) == (before.rows, before.scores)


def test_no_row_of_test_is_handed_out(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = []
    monkeypatch.setattr(training, "fit", lambda data, *_, **__: handed.append(data) or train.fit(data, *_, **__))
    for job in (home.job(train__epochs=1), home.job(train__epochs=1, preprocess__image_size=16)):
        training.run(job, lambda row: True, home.folder)
    for data in handed:
        rows = np.concatenate([data.train.rows, data.val.rows])
        assert set(rows % 3) == {PARTS.index("train"), PARTS.index("val")}
    assert not handed[1].images[2::3].any(), "a variant does not even hold the test images"


def test_tables_are_read_once_for_all_trials(home: Home, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    training._loaded.cache_clear()
    run(home.job(train__epochs=1), home)
    run(Job(1, home.job(train__epochs=1, model__dropout=0.1).params, 3), home)
    assert training._loaded.cache_info().misses == 1


def test_nothing_of_a_trial_stays_in_memory_whether_it_is_stopped_or_not(home: Home) -> None:
    """The graph of a step is what a process would grow by."""
    import gc

    def count() -> int:
        gc.collect()
        return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())

    before = count()
    for number in range(2):
        training.run(home.job(number, train__epochs=1), lambda row, goes_on=number == 0: goes_on, home.folder)
        assert count() <= before
