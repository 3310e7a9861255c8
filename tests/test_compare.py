"""The table of runs says which data, how divided, and how certain."""

import shutil
import sys
from pathlib import Path

import pytest

from src import compare
from src.core.errors import AssayError
from src.tracking import mlflow_store
from src.tracking.query import Run, newest
from tests.tracking.helpers import fill
from tests.tracking.test_stage_run import edit, evaluate, train


def run(identity: str = "abc", start: int = 0, experiment: str = "ct", **changes: str) -> Run:
    tags = {
        "fingerprint": "t", "train": "complete 1", "data.name": "covid_ct.zip",
        "data.split": "source's test part, by group",
        "mlflow.source.git.commit": "0123456789abcdef", "git.dirty": "false",
    }  # fmt: skip
    metrics = {
        "val_auc": 0.7,
        "test_auc": 0.65432,
        "test_auc_low": 0.5,
        "test_auc_high": 0.8,
        "test_accuracy": 0.6,
    }
    metrics |= {
        "test_accuracy": 0.6,
        "train_seconds": 125.4,
        "shortcut_auc": 0.97,
        "probe_auc": 0.88,
        "parameters": 64369,
    }
    params = {"seed": "42", "model.name": "tiny_cnn"}
    counts = {"train.images": 425, "val.images": 118, "test.images": 203}
    counts |= {"train.groups": 130, "val.groups": 32, "test.groups": 60}
    return Run(identity, "tiny", experiment, start, params | changes, tags | changes, metrics, counts)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", *arguments])
    compare.main()


def test_a_row_holds_data_split_scores_with_intervals_time_and_commit() -> None:
    assert compare.row(run("0123456789")) == {
        "run": "tiny",
        "id": "01234567",
        "experiment": "ct",
        "data": "covid_ct.zip",
        "n": "746 (425/118/203)",
        "groups": "222 (130/32/60)",
        "split": "source's test part, by group",
        "seed": "42",
        "model": "tiny_cnn",
        "parameters": "64,369",
        "val AUC": "0.700",
        "AUC": "0.654 [0.50, 0.80]",
        "F1": "-",
        "accuracy": "0.600",
        "probe AUC": "0.880",
        "shortcut AUC": "0.970",
        "time": "2 min 5 s",
        "commit": "0123456",
    }


def test_a_commit_with_changes_is_marked() -> None:
    assert compare.row(run(**{"git.dirty": "true"}))["commit"] == "0123456+"
    assert compare.row(run(**{"mlflow.source.git.commit": ""}))["commit"] == "-"


def test_the_shortcut_is_that_of_the_same_test_part_where_it_was_measured() -> None:
    official = run(**{"split.folds": "respect"})
    both = Run(**{**vars(official), "metrics": {"shortcut_auc": 0.8, "shortcut_auc_official": 0.9}})
    assert compare.row(both)["shortcut AUC"] == "0.900"
    assert compare.row(official)["shortcut AUC"] == "0.970"


def test_parameters_that_were_asked_for_are_columns() -> None:
    row = compare.row(run(**{"train.epochs": "9"}), params=["train.epochs", "train.speed"])
    assert (row["train.epochs"], row["train.speed"]) == ("9", "-")


def test_data_without_groups_has_none() -> None:
    assert compare.row(Run(**vars(run()) | {"counts": {"test.images": 5, "test.groups": 0}}))["groups"] == "-"


def test_parameters_that_differ_are_columns_by_themselves() -> None:
    runs = [run(**{"train.epochs": "9", "seed": "1"}), run(**{"train.epochs": "5", "seed": "2"})]
    assert compare.differing(runs) == ["train.epochs"]


def test_of_one_trace_the_newest_run_counts() -> None:
    runs = [run("old", 1), run("new", 2), run("other", 0, fingerprint="u")]
    assert {found.identity for found in newest(runs)} == {"new", "other"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"a1", "b2", "c3"}),
        (["--experiment", "ct"], {"a1", "b2"}),
        (["--experiment", "ct", "blood"], {"a1", "b2", "c3"}),
        (["--data", "own"], {"b2"}),
        (["--run", "c", "a1"], {"a1", "c3"}),
        (["--tag", "model.name=dropout_cnn"], {"c3"}),
        (["--tag", "model.name=dropout_cnn", "data.name=own"], set()),
    ],
)
def test_runs_are_chosen_by_experiment_data_id_and_tag(arguments: list[str], expected: set[str]) -> None:
    everything = [
        run("a1", fingerprint="a"),
        run("b2", fingerprint="b", **{"data.name": "own"}),
        run("c3", fingerprint="c", experiment="blood", **{"model.name": "dropout_cnn"}),
    ]
    asked = compare._parser().parse_args(arguments)
    assert {found.identity for found in compare.choose(everything, asked)} == expected


def test_what_all_runs_share_goes_above_a_table_that_is_too_wide() -> None:
    rows = [compare.row(run()), compare.row(run(**{"model.name": "dropout_cnn"}))]
    shared, _, table = compare.plain(rows, 80).partition("\n\n")
    assert "data: covid_ct.zip\n" in shared
    assert table.split() == ["model", "tiny_cnn", "dropout_cnn"]
    assert "data: covid_ct.zip" not in compare.plain(rows, 400)


def test_without_any_run_one_line_says_so_and_no_database_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(monkeypatch)
    assert capsys.readouterr() == ("", "no runs yet: `dvc repro` trains and tracks one\n")
    assert not (home / "mlflow.db").exists()


def test_real_runs_are_read_from_the_database_and_written(
    home: Path, made_database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(made_database, home / mlflow_store.DATABASE)
    edit("params.yaml", "source: data/covid_ct", f"source: {home}/secret/place/covid_ct.zip")
    train()
    evaluate()
    edit("params.yaml", "seed: 42", "seed: 7")
    train()
    evaluate()
    call(monkeypatch, "--markdown")
    written = capsys.readouterr().out
    assert "covid_ct.zip | 6 (2/2/2) | 3 (1/1/1) | 50/10/40 by group | 42 |" in written
    assert "0.800 [0.60, 0.90]" in written
    assert "0.970 | 12 s |" in written
    assert "Written by `python -m src.compare --markdown`." in written
    assert str(home) not in written
    call(monkeypatch, "--tag", "seed=7")
    header, line = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["run", "id", "experiment"]
    assert line.startswith("tiny_cnn covid_ct.zip ")
    call(monkeypatch, "--experiment", "nope")
    assert "none of 2 run(s) match; experiments: covid_ct" in capsys.readouterr().err


def test_a_server_that_is_away_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mlflow_store.VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(AssayError, match=r"^http://127\.0\.0\.1:9: .*Connection refused"):
        call(monkeypatch)
