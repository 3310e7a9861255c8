"""Nothing that MLflow does costs a training: what cannot be written is kept, told, and sent later."""

import logging
import resource
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from src import tracking
from src.core.errors import AssayError
from src.tracking import mlflow_store, mlflow_writer, outbox
from src.tracking.outbox import kept
from src.tracking.record import LoggedDataset, Record, Trial
from tests.tracking.helpers import Server
from tests.tracking.test_stage_run import artifacts, evaluate, runs, train

AWAY = "http://127.0.0.1:9"  # the discard port: nothing listens


def test_a_server_that_is_away_keeps_the_run_and_says_so_in_seconds(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(mlflow_store.VARIABLE, "http://me:secret@127.0.0.1:9")
    start = time.monotonic()
    train()
    evaluate()
    assert time.monotonic() - start < 30
    assert [path.name for path in kept(project)] == ["train", "evaluate"]
    assert "MLflow: http://127.0.0.1:9: " in caplog.text
    assert "Connection refused" in caplog.text
    assert "python -m src.tracking send" in caplog.text
    assert "secret" not in caplog.text
    assert "Retrying" not in caplog.text
    assert Path("build/model/fingerprint.json").is_file()
    assert not list(Path("mlruns").glob("*/meta.yaml"))


@pytest.mark.slow
def test_a_server_that_comes_back_gets_everything_once(
    project: Path, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(mlflow_store.VARIABLE, server.uri)
    server.stop()  # if another test has started it
    train()
    evaluate()
    with pytest.raises(AssayError, match="still waits"):
        outbox.send(project)
    server.start()
    assert outbox.send(project) == 2
    assert outbox.send(project) == 0
    [run] = runs(project)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["epoch/val_loss"] == 0.275
    assert run.data.metrics["test_auc"] == 0.8
    assert {"figures/roc.png", "params.yaml", "environment.txt"} <= artifacts(project, run)
    assert not (project / "mlflow.db").exists()
    assert not list((project / "mlruns/unsent").iterdir())


@pytest.mark.slow
def test_a_run_on_a_server_needs_nothing_local(project: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.start()
    monkeypatch.setenv(mlflow_store.VARIABLE, server.uri)
    (project / "params.yaml").write_text((project / "params.yaml").read_text().replace("seed: 42", "seed: 7"))
    train()
    evaluate()
    [run] = [run for run in runs(project) if run.data.params["seed"] == "7"]
    assert "figures/roc.png" in artifacts(project, run)
    assert not (project / "mlruns").exists()


def test_an_evaluation_sends_the_training_that_waits_before_it(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mlflow_store.VARIABLE, AWAY)
    train()
    monkeypatch.delenv(mlflow_store.VARIABLE)
    evaluate()
    [run] = runs(ready)
    assert run.data.tags["origin"] == "training"
    assert run.data.metrics["train_seconds"] == 12.5
    assert not list(kept(ready))


def test_an_evaluation_kept_alone_can_make_its_run_and_does_not_double_one(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    monkeypatch.setenv(mlflow_store.VARIABLE, AWAY)
    evaluate()
    monkeypatch.delenv(mlflow_store.VARIABLE)
    assert outbox.send(ready) == 2
    [run] = runs(ready)
    assert run.data.tags["origin"] == "training"
    assert run.data.metrics["train_seconds"] == 12.5
    assert run.data.metrics["test_auc"] == 0.8


def test_a_broken_database_is_told_and_the_run_kept(
    project: Path, made_database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project / "mlflow.db").write_bytes(b"nonsense" * 5000)
    train()
    assert "mlflow.db: not readable as MLflow's database" in caplog.text
    assert [path.name for path in kept(project)] == ["train"]
    (project / "mlflow.db").write_bytes(made_database.read_bytes())
    assert outbox.send(project) == 1
    assert len(runs(project)) == 1


def test_a_locked_database_is_told_and_the_run_kept(
    ready: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.tracking.mlflow_store.SECONDS", 0.5)
    with sqlite3.connect(ready / "mlflow.db", isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        train()
    assert "mlflow.db: in use by another process" in caplog.text
    assert [path.name for path in kept(ready)] == ["train"]


def test_no_place_for_artifacts_nor_for_what_is_kept_still_ends_well(
    ready: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (ready / "mlruns").write_text("a file where a folder should be")
    train()
    assert Path("build/model/fingerprint.json").is_file()
    assert "could not be kept either" in caplog.text
    assert "python -m src.tracking send" in caplog.text


def test_a_full_disk_still_ends_well(ready: Path, caplog: pytest.LogCaptureFixture) -> None:
    with tracking.training():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # a write beyond it fails as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Path("build/model/fingerprint.json").is_file()
    assert "mlflow.db: " in caplog.text
    assert tracking.record()


def test_a_result_that_cannot_be_described_is_told_and_not_failed(
    ready: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tracking.training():
        Path("build/model/history.csv").write_text("epoch,loss\n1,what\n")
    assert "Not tracked, outputs are complete" in caplog.text
    assert runs(ready) == []


def test_an_evaluation_is_tracked_even_where_its_training_cannot_be_described(
    ready: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train()
    Path("build/model/history.csv").write_text("epoch,loss\n1,what\n")
    evaluate()
    assert "the outputs of train cannot be described again" in caplog.text
    [run] = runs(ready)
    assert run.data.metrics["test_auc"] == 0.8


def test_a_kept_record_holds_no_password_of_a_url(tmp_path: Path) -> None:
    secret = "http://me:hidden@host/x"
    data, trial = LoggedDataset("data", "digest", secret, {}), Trial(0, "failed", {}, {}, reason=f"GET {secret}")
    record = Record("study", "f" * 64, "x", "name", start=1, end=2, texts={"a": secret}, dataset=data, trials=[trial])
    kept_text = (outbox.keep(record, tmp_path) / "record.json").read_text(encoding="utf-8")
    assert kept_text.count("http://host/x") == 2
    assert "hidden" not in kept_text


def test_what_waits_is_mentioned_after_a_later_run(
    ready: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(mlflow_store.VARIABLE, AWAY)
    train()
    monkeypatch.delenv(mlflow_store.VARIABLE)
    (ready / "src/one.py").write_text("ONE = 3\n")
    train()
    assert "1 earlier run(s) wait in mlruns/unsent" in caplog.text


def test_six_senders_of_one_data_set_leave_no_run_running(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without their turns two of them would make the row of the data set, or the experiment, in the same moment."""
    real = mlflow_writer._log_dataset

    def meeting(*arguments: Any) -> None:
        nonlocal inside
        inside += 1
        most.append(inside)
        time.sleep(0.05)
        real(*arguments)
        inside -= 1

    def send(number: int) -> str:
        data = LoggedDataset("data", "digest", "source", {})
        record = Record("train", f"{number}", "covid_ct", f"{number}", start=1, end=2, params={"a": "b"}, dataset=data)
        with mlflow_store.writing(ready) as client:
            return mlflow_writer.write(client, record, ready)

    inside, most = 0, list[int]()
    monkeypatch.setattr(mlflow_writer, "_log_dataset", meeting)
    with mlflow_store.connected(ready), ThreadPoolExecutor(6) as pool:  # which keeps the variables as they are
        assert len(set(pool.map(send, range(6)))) == 6
    assert max(most) == 1
    found = runs(ready)
    assert {run.info.status for run in found} == {"FINISHED"}
    assert {run.data.tags["train"].split()[0] for run in found} == {"complete"}


@pytest.fixture(autouse=True)
def _loud(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="src")
