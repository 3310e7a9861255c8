"""Writes a study: a run that holds its tables and figures, and below it a run for each trial."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from src.tracking import store, writing
from src.tracking.records import Nested, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LOCK = Path("mlruns/.studies.lock")
KEY = "study.key"
TRIAL = "study.trial"
PARENT = "mlflow.parentRunId"
BEST = "best."  # before the parameters of the leading trial


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a study as far as it has come and give the id of its run; what is there already is not written again."""
    (home / LOCK).parent.mkdir(exist_ok=True)
    with FileLock(home / LOCK):  # two senders would make two runs of a trial
        number = store.experiment(client, record.experiment, home)
        run = _find(client, number, record) or _start(client, number, record)
        identity = str(run.info.run_id)
        known = {below.data.tags.get(TRIAL): below for below in _below(client, number, identity)}
        for nested in record.nested:
            there = known.get(nested.key)
            if there is None or there.info.status == "RUNNING":
                _write_nested(client, number, identity, nested, there)
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


def _write_nested(client: "MlflowClient", number: str, parent: str, nested: Nested, there: "Run | None") -> None:
    tags = {PARENT: parent, TRIAL: nested.key, **nested.tags}
    run = there or client.create_run(number, start_time=nested.start, tags=tags, run_name=nested.name)
    writing.log(client, run.info.run_id, {}, nested.params, nested.metrics)
    client.set_terminated(run.info.run_id, nested.status, nested.end)  # the last: a run that is RUNNING is not whole


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
