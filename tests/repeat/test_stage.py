"""Cross-validation from folds to files: killed and gone on with, it gives the same numbers; every part is added up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src import models
from src.core import files, paths
from src.core.errors import AssayError
from src.executors.protocol import Executor
from src.metrics.scores import BY_NAME
from src.repeat import folds, stage
from tests.conftest import ROOT
from tests.executors.conftest import CLASSES, Home
from tests.repeat.helpers import FOLDS, SEEDS, forget, grouped_home, params, start, write_network

SCORES, TABLE = paths.REPEATED.scores, paths.REPEATED.predictions


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Give a repository in which the cross-validation has run once, and stand in it."""
    home = grouped_home(tmp_path_factory.mktemp("repeat") / "home")
    write_network(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home.folder)
        patch.setenv("DVC_STAGE", "repeat")  # the stages before are up to date
        patch.setattr("src.tracking.study_run.send", lambda *_: True)
        stage.run(params(home), start)
        yield home


def written() -> dict[str, bytes]:
    folder = paths.REPEATED.folder
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_scores_are_those_of_the_predictions_that_no_training_of_the_image_made(made: Home) -> None:
    about: dict[str, Any] = files.read_json(SCORES)
    assert (about["folds"], about["seeds"], about["images"], about["over"]) == (FOLDS, SEEDS, 40, "train-val")
    lines = files.read_csv(TABLE)
    assert [line["part"] for line in lines] == ["train"] * 40
    assert {line["fold"] for line in lines} == {"1", "2", "3"}
    assert about["groups"] == len({line["group"] or line["row"] for line in lines}), "a seed makes no further groups"
    assert set(about["scores"]) <= set(BY_NAME)
    trained = about["trainings"]
    assert [one["fold"] for one in trained] == [1, 2, 3, 1, 2, 3]
    auc = about["scores"]["auc"]
    by_fold = [[one["scores"]["auc"] for one in trained if one["fold"] == fold] for fold in (1, 2, 3)]
    assert auc["mean"] == pytest.approx(np.mean(by_fold), abs=1e-5)
    assert auc["deviation_over_folds"] == pytest.approx(np.std(np.mean(by_fold, axis=1), ddof=1), abs=1e-5)
    assert auc["deviation_over_seeds"] == pytest.approx(np.std(np.mean(by_fold, axis=0), ddof=1), abs=1e-5)
    assert auc["low"] < auc["value"] < auc["high"]
    right = sum(one["scores"]["accuracy"] * one["images"] for one in trained)
    assert about["scores"]["accuracy"]["value"] == pytest.approx(right / (40 * SEEDS), abs=1e-5)


def test_models_of_all_trainings_and_their_ensemble_are_there(made: Home) -> None:
    names = {f"models/fold_{fold}_seed_{seed}.keras" for fold in (1, 2, 3) for seed in (1, 2)}
    whole = {f"ensemble/{name}" for name in ("model.keras", "classes.json", "history.csv", "out_of_fold.csv")}
    tables = {"scores.json", "out_of_fold.csv", "suspect_labels.csv", "suspect_labels.png"}
    assert set(written()) == names | whole | tables


def test_killed_and_gone_on_with_it_gives_the_same_bytes(made: Home) -> None:
    before = written()
    forget(made)
    Path("slow").write_text("0.3")
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.repeat.helpers"], start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 300
    while len(list(Path("build/studies").glob("repeat-*/[!.]*/answer.npz"))) < 2:
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    Path("slow").unlink()
    assert not SCORES.exists()
    kept = len(list(Path("build/studies").glob("repeat-*/[!.]*/answer.npz")))
    assert 2 <= kept < FOLDS * SEEDS
    begun = Path("begun").read_text().splitlines()
    stage.run(params(made), start)
    assert written() == before
    again = Path("begun").read_text().splitlines()[len(begun) :]
    assert len(again) == FOLDS * SEEDS - kept, "what was kept is not trained again"
    assert len({*map(str, map(json.loads, [*begun, *again]))}) == FOLDS * SEEDS


def test_other_labels_and_values_are_trained_anew_and_the_same_are_not(made: Home) -> None:
    def trained(**values: object) -> int:
        before = len(Path("begun").read_text().splitlines())
        asked = params(made, **values)
        stage.cross_validate(asked, folds.read(asked), start)
        return len(Path("begun").read_text().splitlines()) - before

    assert trained() == 0
    assert trained(model__dropout=0.2, repeat__seeds=1) == FOLDS
    index, was = made.prepared.index, made.prepared.index.read_text()
    index.write_text(was.replace(f"00.png,{CLASSES[0]}", f"00.png,{CLASSES[1]}"))
    assert index.read_text() != was
    try:
        assert trained(repeat__seeds=1) == FOLDS
    finally:
        index.write_text(was)


def test_a_refit_learns_from_all_of_train_and_val_and_its_ensemble_is_told_by_the_folds(made: Home) -> None:
    forget(made)
    stage.run(params(made, repeat__seeds=1), start, refit=2)
    before, begun = written(), [json.loads(line) for line in Path("begun").read_text().splitlines()]
    rows = [int(line["row"]) for line in files.read_csv(TABLE)]
    assert {line["part"] for line in files.read_csv(TABLE)} == {"train"}, "no row of test"
    assert not any(one["val"] for one in begun), "nothing is set aside from what they learn from"
    assert [sorted(one["train"] + one["held"]) for one in begun] == [rows] * (FOLDS + 2)
    assert [bool(one["held"]) for one in begun] == [True] * FOLDS + [False] * 2
    assert {one["seed"] for one in begun[FOLDS:]} > {begun[0]["seed"]}, "a seed for each"
    assert files.read_json(SCORES)["refit"] == 2
    assert {f"models/all_seed_{number}.keras" for number in (1, 2)} < set(before)
    assert models.load(paths.REPEATED.ensemble / "model.keras").name.endswith("_x2"), "without the folds' networks"
    assert before["ensemble/out_of_fold.csv"] == before["out_of_fold.csv"]
    stage.run(params(made, repeat__seeds=1), start, refit=2)
    assert len(Path("begun").read_text().splitlines()) == FOLDS + 2, "what was kept is not trained again"
    assert written() == before


def test_a_training_that_fails_is_a_line_with_its_fold(made: Home) -> None:
    def broken(store: Path, data: Path) -> Executor:
        executor = start(store, data)
        (made.folder / "tiny.keras").rename(made.folder / "away")
        return executor

    try:
        with pytest.raises(AssayError, match=r"^fold 1, seed \d+: FileNotFoundError"):
            stage.run(params(made, model__dropout=0.1), broken)
    finally:
        (made.folder / "away").rename(made.folder / "tiny.keras")
