"""Writes a study: a run that holds its tables and figures, and below it a run for each trial."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from src.tracking import lineage, store, writing
from src.tracking.records import Record, State, Status, Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LOCK = Path("mlruns/.studies.lock")
KEY = "study.key"
TRIAL = "study.trial"
PARENT = "mlflow.parentRunId"
BEST = "best."  # before the parameters of the leading trial
STATUS: dict[State, Status] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
SHARED = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit", "preset.trace")
SIZE = "parameters"  # the one objective that is no score on val
LONGEST_TAG = 5000  # characters: MLflow's limit


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a study as far as it has come and give the id of its run; what is there already is not written again."""
    (home / LOCK).parent.mkdir(exist_ok=True)
    with FileLock(home / LOCK):  # two senders would make two runs of a trial
        number = store.experiment(client, record.experiment, home)
        run = _find(client, number, record) or _start(client, number, record)
        identity = str(run.info.run_id)
        known = {below.data.tags.get(TRIAL): below for below in _below(client, number, identity)}
        for trial in record.trials:
            there = known.get(str(trial.number))
            if there is None or there.info.status == "RUNNING":
                _write_trial(client, number, identity, record, trial, there)
        if run.data.tags.get("study.record") != record.key:
            _write_parent(client, run, record)
    return identity


def _find(client: "MlflowClient", number: str, record: Record) -> "Run | None":
    runs = client.search_runs([number], f"tags.`{KEY}` = '{record.trace}'", order_by=["attributes.start_time"])
    return runs[0] if runs else None


def _start(client: "MlflowClient", number: str, record: Record) -> "Run":
    tags = {KEY: record.trace, **record.tags}
    return client.create_run(number, start_time=record.start, tags=tags, run_name=record.name)


def _below(client: "MlflowClient", number: str, identity: str) -> "Iterator[Run]":
    token: str | None = ""
    while token is not None:
        page = client.search_runs([number], f"tags.`{PARENT}` = '{identity}'", page_token=token or None)
        yield from page
        token = page.token or None


def metric_name(objective: str) -> str:
    """Name an objective as the run of a training names it: `auc` is there what each epoch has on train."""
    return objective if objective == SIZE else f"best_val_{objective.removeprefix('val_')}"


def _write_trial(
    client: "MlflowClient", number: str, parent: str, record: Record, trial: Trial, there: "Run | None"
) -> None:
    tags = {PARENT: parent, TRIAL: str(trial.number), **_trial_tags(record, trial)}
    name = f"trial {trial.number}"
    run = there or client.create_run(number, start_time=trial.start, tags=tags, run_name=name)
    scores = {metric_name(objective): value for objective, value in trial.values.items()}
    numbers = {**scores, **trial.facts, "seconds": (trial.end - trial.start) / 1000}
    metrics = [*lineage.history(trial.rows, trial.start, trial.end), *lineage.once(numbers, trial.end)]
    writing.log(client, run.info.run_id, {}, {key: lineage.text(value) for key, value in trial.params.items()}, metrics)
    # The last: a run that is RUNNING is not whole.
    client.set_terminated(run.info.run_id, STATUS[trial.state], trial.end)


def _trial_tags(record: Record, trial: Trial) -> dict[str, str]:
    """Return what a trial shares with its study, how it ended, and why."""
    shared = {
        key: value for key, value in record.tags.items() if key in SHARED or key.startswith(("data.name", "git."))
    }
    tags = {"trial.state": trial.state, "trial.reason": trial.reason[:LONGEST_TAG]}
    tags |= {} if trial.reused_from is None else {"trial.reused_from": str(trial.reused_from)}
    return {key: value for key, value in {**shared, **tags}.items() if value}


def _write_parent(client: "MlflowClient", run: "Run", record: Record) -> None:
    """Bring the study's own run up to date; MLflow refuses to change a parameter, so the first value stays."""
    identity = run.info.run_id
    new = {key: value for key, value in record.params.items() if key not in run.data.params}
    for stale in (tag for tag in run.data.tags if tag.startswith(BEST) and tag not in record.tags):
        client.delete_tag(identity, stale)  # of a parameter that the new leader does not have
    writing.log(client, identity, record.tags, new, record.metrics)
    writing.log_attachments(client, identity, record)
    if record.status == "RUNNING":
        client.update_run(identity, "RUNNING")
    else:
        client.set_terminated(identity, record.status, record.end)
    client.set_tag(identity, "study.record", record.key)
