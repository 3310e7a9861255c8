"""The command: a person's mistake is a line; with real trainings it can be stopped, killed and gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from src import config
from src.core import console
from src.tracking import mlflow_store, mlflow_writer
from src.tune import __main__ as command
from src.tune import winner
from tests import sections
from tests.conftest import ROOT
from tests.executors.conftest import SMALL, Home, write_home

SPACE = {"model.dropout": {"low": 0.0, "high": 0.5}, "train.batch_size": {"choices": [8, 16]}}
TUNE = {
    "tune.space": SPACE,
    "tune.sampler.startup_trials": 2,
    "tune.pruner": sections.pruner(name="median", startup_trials=2, warmup_epochs=1).model_dump(),
    "tune.confirm": {"top": 1, "seeds": 2},
    "train.epochs": 2,
}
Done = subprocess.CompletedProcess[str]


class Tuning:
    """The command in a repository whose stages before training have run, as inside a DVC stage."""

    def __init__(self, home: Home, **environment: str) -> None:
        self.folder = home.folder
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "DVC_STAGE": "tune"} | environment

    def start(self, *words: str) -> "subprocess.Popen[str]":
        line = [sys.executable, "-m", "src.tune", *words]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(line, cwd=self.folder, env=self.environment, start_new_session=True, **pipes)

    def run(self, *words: str) -> Done:
        running = self.start(*words)
        out, errors = running.communicate(timeout=500)
        return Done(words, running.returncode, out, errors)

    def told(self, name: str) -> list[tuple[Any, ...]]:
        from tests.tune import helpers_search as searching

        (self.folder / "studies").unlink(missing_ok=True)
        (self.folder / "studies").symlink_to(self.folder / "build" / "studies")
        return searching.told(self.folder, name)

    def wait_for(self, name: str, number: int) -> None:
        """Wait until a trial has reported its first epoch."""
        journal = self.folder / "build" / "studies" / name / "journal.log"
        record = '"op_code":7,"worker_id":'
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            lines = journal.read_text().splitlines() if journal.exists() else []
            if any(record in line and f'"trial_id":{number},' in line for line in lines):
                return
            time.sleep(0.02)
        raise TimeoutError


@pytest.fixture(scope="module")
def tuning(tmp_path_factory: pytest.TempPathFactory) -> Tuning:
    return Tuning(write_home(tmp_path_factory.mktemp("tuned"), SMALL | TUNE))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--trials", "0"), "argument --trials: expected a whole number of at least 1, found '0'"),
        (("--trials", "many"), "argument --trials: expected a whole number of at least 1, found 'many'"),
        (("--trials", "1", "--workers", "0"), "argument --workers: expected a whole number of at least 1, found '0'"),
        (("--trials", "1", "--timeout", "-3"), "argument --timeout: expected a whole number of at least 1, found '-3'"),
        (("--trials", "1", "--study", "a/b"), "argument --study: expected letters"),
        (("--trials", "1", "--sweep", "none.such"), "error: --sweep: expected entries of tune.space"),
    ],
)
def test_a_mistake_is_a_line_and_nothing_is_trained(
    tuning: Tuning,
    words: tuple[str, ...],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tuning.folder)
    monkeypatch.setenv("DVC_STAGE", "tune")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # which an entry point sets
    monkeypatch.setattr(sys, "argv", ["tune", "--no-confirm", *words])
    with pytest.raises(SystemExit) as ended:
        console.run(command.main)
    shown = capsys.readouterr()
    assert ended.value.code in (1, 2)
    assert expected in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


@pytest.fixture(scope="module")
def whole(tuning: Tuning) -> tuple[Done, str]:
    """Search, confirm and apply in one go; give what was said, and params.yaml afterwards, which is as before again."""
    params = tuning.folder / "params.yaml"
    before = params.read_text()
    done = tuning.run("--trials", "3", "--workers", "1", "--study", "whole", "--apply")
    after = params.read_text()
    params.write_text(before)
    assert done.returncode == 0, done.stderr
    return done, after


@pytest.mark.slow
def test_a_study_killed_and_stopped_in_the_middle_equals_one_left_alone_and_a_server_that_is_away_costs_no_trial(
    tuning: Tuning, whole: tuple[Done, str]
) -> None:
    words = ("--trials", "3", "--workers", "1", "--no-confirm", "--study", "parts")
    running = tuning.start(*words)
    tuning.wait_for("parts", 0)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    away = Tuning.__new__(Tuning)
    away.folder, away.environment = tuning.folder, tuning.environment | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}
    running = away.start(*words)
    away.wait_for("parts", 1)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 130, errors
    assert "the same command goes on from there" in errors
    assert "Traceback" not in errors
    done = away.run(*words)
    assert done.returncode == 0, done.stderr
    assert "MLflow" in done.stderr
    assert tuning.told("parts") == tuning.told("whole")
    assert len(tuning.told("whole")) == 3


def check_mlflow(folder: Path, name: str) -> None:
    """See that the run of a study holds its tables, figures and winner, and those below it every epoch."""
    with mlflow_store.connected(folder) as client:
        everything = client.search_runs([mlflow_store.experiment(client, config.load().track.experiment, folder)])
        [parent] = [run for run in everything if run.data.tags.get("study.name") == name]
        files = {item.path for part in ("", "figures") for item in client.list_artifacts(parent.info.run_id, part)}
        below = [run for run in everything if run.data.tags.get(mlflow_writer.PARENT) == parent.info.run_id]
        epochs = [len(client.get_metric_history(run.info.run_id, "epoch/val_loss")) for run in below]
    assert parent.info.status == "FINISHED"
    assert {"figures/history.png", "figures/slices.png", "figures/parallel.png"} <= files
    assert {"study.html", "trials.csv", "confirm.csv", "best.yaml"} <= files
    assert {"val_auc", "winner_auc", "baseline_auc", "gain_auc"} <= set(parent.data.metrics)
    assert len(epochs) == 3
    assert set(epochs) <= {1, 2}
    assert all(set(SPACE) == set(run.data.params) and "val_auc" in run.data.metrics for run in below)


@pytest.mark.slow
def test_the_winner_is_confirmed_and_applied_only_where_it_is_ahead(tuning: Tuning, whole: tuple[Done, str]) -> None:
    done, after = whole
    before = (tuning.folder / "params.yaml").read_text()
    folder = tuning.folder / "build" / "studies" / "whole"
    assert "over 2 seeds" in done.stdout
    for name in ("trials.csv", "candidates.json", "study.html", "confirm.csv", "best.yaml"):
        assert (folder / name).is_file(), name
    assert not (tuning.folder / "build" / "tuning" / "study").exists()
    assert (after != before) == ("now: dvc repro" in done.stdout)
    assert (after != before) != ("kept as it is" in done.stdout)
    check_mlflow(tuning.folder, "whole")
    found = (folder / "best.yaml").read_bytes()
    (tuning.folder / "params.yaml").write_text(winner.replaced(before, {"model.dropout": 0.123}))
    again = tuning.run("--trials", "3", "--workers", "1", "--study", "whole")
    assert again.returncode == 0, again.stderr
    assert "holds 3 finished trials" in again.stdout
    assert "its baseline stays" in again.stderr
    assert (folder / "best.yaml").read_bytes() == found
