"""A study is a run with a run below it for each trial: each once, however often and however interrupted it is sent."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from src import config
from src.tracking import mlflow_store, mlflow_writer, outbox, query, study_run
from src.tracking.outbox import kept
from src.tracking.record import Status
from src.tracking.study_run import LoggedStudy, Sender, Trial
from tests.tracking.helpers import PNG
from tests.tracking.test_outbox import AWAY

if TYPE_CHECKING:
    from mlflow.entities import Run

STATES = {0: "complete", 1: "pruned", 2: "failed"}


def trial(number: int, state: str = "complete", epochs: int = 3) -> Trial:
    rows = [{"epoch": n, "loss": 1 / n, "auc": 0.99, "val_auc": 0.5 + n / 10} for n in range(1, epochs + 1)]
    start = 1_700_000_000_000 + number * 60_000
    values = {} if state == "failed" else {"auc": 0.6 + number / 100}
    return Trial(
        number=number,
        state=state,  # type: ignore[arg-type]
        params={"train.batch_size": 16 * (number + 1), "train.optimizer": "adam"},
        values=values,
        start=start,
        end=start + 30_000,
        rows=[] if state == "failed" else rows,
        reason="the loss is no longer a finite number" if state == "failed" else "",
    )


def study(count: int = 4, status: Status = "FINISHED") -> LoggedStudy:
    picture = Path("history.png")
    picture.write_bytes(PNG)
    trials = [trial(number, STATES.get(number, "complete")) for number in range(count)]
    return LoggedStudy(
        identity="abc",
        name="first",
        settings=config.load(),
        goals={"auc": "maximize"},
        trials=trials,
        leader=f"trial {count - 1}",
        best={"train.batch_size": 16 * count},
        files={"figures/history.png": picture} if status == "FINISHED" else {},
        status=status,
    )


def send(given: LoggedStudy) -> bool:
    return Sender(given.settings).close(given)


def sent(home: Path) -> "tuple[Run, dict[str, Run]]":
    with mlflow_store.connected(home) as client:
        number = mlflow_store.experiment(client, "covid_ct", home)
        everything = client.search_runs([number])
        [parent] = [run for run in everything if mlflow_writer.KEY in run.data.tags]
        below = [run for run in everything if run.data.tags.get(mlflow_writer.PARENT) == parent.info.run_id]
    assert len(everything) == len(below) + 1
    return parent, {run.data.tags[mlflow_writer.TRIAL]: run for run in below}


def test_a_study_has_a_run_below_it_for_each_trial_with_its_history_state_and_reason(ready: Path) -> None:
    assert send(study())
    parent, below = sent(ready)
    assert [below[key].info.status for key in "0123"] == ["FINISHED", "KILLED", "FAILED", "FINISHED"]
    assert below["2"].data.tags["trial.reason"] == "the loss is no longer a finite number"
    assert below["3"].data.params == {"train.batch_size": "64", "train.optimizer": "adam"}
    assert below["3"].data.metrics["epoch/val_auc"] == 0.8
    assert below["3"].data.metrics["val_auc"] == 0.63
    assert below["3"].data.metrics["epoch/auc"] == 0.99  # on train, in the last epoch
    assert below["3"].data.metrics["seconds"] == 30
    with mlflow_store.connected(ready) as client:
        history = client.get_metric_history(below["3"].info.run_id, "epoch/loss")
        assert [item.path for item in client.list_artifacts(parent.info.run_id, "figures")] == ["figures/history.png"]
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert parent.data.metrics["val_auc"] == 0.63
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["trials_pruned"] == 1


def test_a_study_finds_the_run_of_its_preset_and_its_data(ready: Path) -> None:
    send(study())
    parent, _ = sent(ready)
    tags = parent.data.tags
    assert tags["data.name"] == "covid_ct"
    assert len(tags["baseline.fingerprint"]) == 64
    assert "trial 3 leads: train.batch_size: 64" in tags["mlflow.note.content"]
    assert parent.inputs.dataset_inputs[0].dataset.name == "covid_ct"


def test_a_study_that_goes_on_adds_what_is_new_and_nothing_twice(ready: Path) -> None:
    send(study(2, "RUNNING"))
    parent, first = sent(ready)
    assert parent.info.status == "RUNNING"
    assert set(first) == {"0", "1"}
    send(study(4))
    send(study(4))
    again, below = sent(ready)
    assert again.info.run_id == parent.info.run_id
    assert again.info.status == "FINISHED"
    assert {key: below[key].info.run_id for key in first} == {key: run.info.run_id for key, run in first.items()}
    assert set(below) == set("0123")


def test_a_study_that_was_interrupted_is_killed_until_it_goes_on(ready: Path) -> None:
    seen = []
    for given in (study(2, "KILLED"), study(3, "RUNNING"), study(4)):
        send(given)
        seen.append(sent(ready)[0].info)
    assert [info.status for info in seen] == ["KILLED", "RUNNING", "FINISHED"]
    assert len({info.run_id for info in seen}) == 1


def test_parameters_that_the_new_leader_does_not_have_are_forgotten(ready: Path) -> None:
    with_momentum = {"train.optimizer": "sgd", "train.momentum": 0.9}
    send(replace(study(3, "RUNNING"), best=with_momentum))
    assert "train.momentum: 0.9" in sent(ready)[0].data.tags["mlflow.note.content"]
    send(replace(study(4), best={"train.optimizer": "adam"}))
    tags = sent(ready)[0].data.tags
    assert "trial 3 leads: train.optimizer: adam\n" in tags["mlflow.note.content"]
    assert tags["study.leader"] == "trial 3"


def test_what_the_trainings_over_several_seeds_came_to_are_metrics_of_the_study(ready: Path) -> None:
    send(replace(study(), confirmed={"winner_auc": 0.9, "gain_auc": 0.05}))
    metrics = sent(ready)[0].data.metrics
    assert (metrics["winner_auc"], metrics["gain_auc"]) == (0.9, 0.05)


def test_a_sending_that_is_interrupted_in_a_trial_is_taken_up_there(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = mlflow_writer._log, 0

    def breaks(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError("gone")
        whole(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_writer, "_log", breaks)
        assert not send(study())
    assert outbox.send(ready) == 1
    _, below = sent(ready)
    assert set(below) == set("0123")
    assert below["1"].data.metrics["epoch/val_auc"] == 0.8
    with mlflow_store.connected(ready) as client:
        assert len(client.get_metric_history(below["1"].info.run_id, "epoch/loss")) == 3


def test_where_the_server_is_away_the_newest_state_is_kept_and_sent_later_with_its_files(
    ready: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(mlflow_store.VARIABLE, AWAY)
    sender = Sender(config.load(), first=0)
    assert sender.offer(lambda: study(2, "RUNNING"))
    assert not sender.close(study(4))
    assert caplog.text.count("python -m src.tracking send") == 1
    assert len(list(kept(ready))) == 1
    Path("history.png").unlink()
    monkeypatch.delenv(mlflow_store.VARIABLE)
    assert outbox.send(ready) == 1
    parent, below = sent(ready)
    assert set(below) == set("0123")
    with mlflow_store.connected(ready) as client:
        assert client.list_artifacts(parent.info.run_id, "figures")
    assert not any(kept(ready))


def test_trials_are_no_results_of_their_own(ready: Path) -> None:
    send(study())
    assert query.read(ready) == []


def test_what_is_sent_on_the_side_does_not_hold_up_the_study_and_waits_in_proportion(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = threading.Event()
    monkeypatch.setattr(study_run, "write", lambda *_: written.wait(60))
    sender = Sender(config.load(), first=0)
    assert sender.offer(lambda: study(1, "RUNNING"))
    assert sender._thread
    assert sender._thread.is_alive()
    assert not sender.offer(lambda: study(1, "RUNNING"))
    time.sleep(0.5)
    written.set()
    sender._thread.join()
    assert not sender.offer(lambda: study(1, "RUNNING"))
    assert sender._due - time.monotonic() > 0.5 * 40


def test_a_training_that_cannot_be_described_is_told_and_its_study_sent_all_the_same(
    ready: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Path("dvc.yaml").unlink()
    assert send(replace(study(), identity="other"))
    assert "are not described" in caplog.text
    sent(ready)
