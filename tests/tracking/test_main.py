"""What `python -m src.tracking` does."""

import logging
import os
import socket
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from src.core.errors import AssayError
from src.tracking import __main__ as face
from src.tracking import mlflow_store
from tests.tracking.helpers import read_only
from tests.tracking.test_stage_run import edit, evaluate, runs, train


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["tracking", *arguments])
    face.main()


def test_send_sends_what_waits_and_counts_it(
    ready: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(mlflow_store.VARIABLE, "http://127.0.0.1:9")
    train()
    evaluate()
    monkeypatch.delenv(mlflow_store.VARIABLE)
    call(monkeypatch, "send")
    assert "2 record(s) sent" in caplog.text
    call(monkeypatch, "send")
    assert "0 record(s) sent" in caplog.text
    assert len(runs(ready)) == 1


def test_send_makes_the_run_of_outputs_that_dvc_restored(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train()
    evaluate()
    with mlflow_store.connected(ready) as client:
        client.delete_run(runs(ready)[0].info.run_id)
    call(monkeypatch, "send")
    call(monkeypatch, "send")
    assert len(runs(ready)) == 1


def test_send_fails_where_mlflow_does_not_take_the_outputs(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train()
    evaluate()
    monkeypatch.setenv(mlflow_store.VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(AssayError, match="the run of build/ is not in MLflow"):
        call(monkeypatch, "send")


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("params.yaml", "seed: 42", "seed: 43", "the model in build/ was trained with other code, data or params.yaml"),
        ("params.yaml", "confidence: 0.95", "confidence: 0.9", "made with other values of params.yaml"),
        ("build/model/fingerprint.json", "", "", "build/model/fingerprint.json is not there"),
    ],
)
def test_outputs_of_other_values_are_never_recorded_as_those_of_params_yaml(
    ready: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, why: str
) -> None:
    monkeypatch.setattr("src.tracking.outbox.deliver", lambda *_: True)
    train()
    evaluate()
    Path("dvc.lock").write_text("stages: {evaluate: {params: {params.yaml: {evaluate: {confidence: 0.95}}}}}\n")
    if old:
        edit(file, old, new)
    else:
        Path(file).unlink()
    with pytest.raises(AssayError, match=f"nothing waits in mlruns/unsent, and .*{why}; run `dvc repro`"):
        call(monkeypatch, "send")


def test_a_database_that_is_read_only_is_named(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        read_only(ready / "mlflow.db"),
        pytest.raises(AssayError, match=r"^mlflow\.db: cannot be written \(Permission denied\); check the permissions"),
    ):
        call(monkeypatch, "ui", "--port", "0")


def test_mistakes_in_params_are_told_as_such_not_of_the_database(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit("params.yaml", "seed: 42", "seed: many")
    with pytest.raises(AssayError, match=r"^params\.yaml: seed: expected an integer"):
        call(monkeypatch, "ui", "--port", "0")


def test_an_unknown_word_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call(monkeypatch, "sned")
    assert "send" in capsys.readouterr().err


def test_ui_names_the_page_with_the_scores_and_a_port_that_is_in_use(
    ready: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "execve", lambda *_: None)  # which would become the server
    call(monkeypatch, "ui", "--port", "1")
    assert "http://127.0.0.1:1/#/experiments/1/runs?viewStateShareKey=scores" in capsys.readouterr().out
    with mlflow_store.connected(ready) as client:
        columns = client.get_experiment_by_name("covid_ct").tags["mlflow.sharedViewState.scores"]
    assert "metrics.`test_auc`" in columns
    with FileLock(ready / "mlflow.db.lock"):  # of a stage that uploads
        call(monkeypatch, "ui", "--port", "1")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with pytest.raises(AssayError, match=f"port {port}: in use, perhaps by `mlflow ui`: .*; or: make ui PORT="):
            call(monkeypatch, "ui", "--port", str(port))
