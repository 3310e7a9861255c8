"""The one place where a record becomes part of an MLflow run; doing it again changes nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from src.tracking import records, serving, store
from src.tracking.records import Dataset, Kind, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

METRICS_AT_ONCE = 1000  # MLflow's limits for one log_batch
ENTRIES_AT_ONCE = 100
DIGEST_LENGTH = 36


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a record into its run, which is found by its trace or made, and give the run's id.

    A fresh training is a run of its own. Anything else joins the newest run of the same trace.
    """
    number = store.experiment(client, record.experiment, home)
    run = find(client, number, record)
    identity = run.info.run_id if run else _start(client, number, record)
    if run and _complete(run, record.kind) and (_same(run, record) or not record.fresh):
        return identity
    log(client, identity, {**record.tags, f"{record.kind}.record": record.key}, record.params, record.metrics)
    log_attachments(client, identity, record)
    if record.model and not _has_model(client, identity):
        serving.log_model(identity, record.model)
    client.set_tag(identity, record.kind, "complete")
    if not run or run.info.status == "RUNNING":  # an evaluation leaves the time of the training as it was
        client.set_terminated(identity, end_time=record.end)
    return identity


def find(client: "MlflowClient", number: str, record: Record) -> "Run | None":
    """Find the run that a record belongs to.

    A run holds one training and one params.yaml: a run of the same trace whose parameters say otherwise (a data set
    of another name but the same content, another way to evaluate) is not it.
    """
    runs = client.search_runs([number], f"tags.trace = '{record.trace}'", order_by=["attributes.start_time DESC"])
    if same := [run for run in runs if _same(run, record)]:
        return same[0]
    if record.kind == "train" and record.fresh:
        return None
    return next((run for run in runs if _agrees(run.data.params, record.params)), None)


def has_training(client: "MlflowClient", record: Record, home: Path) -> bool:
    """Tell whether the run that a record belongs to is there with all of its training."""
    run = find(client, store.experiment(client, record.experiment, home), record)
    return run is not None and _complete(run, "train")


def _complete(run: "Run", kind: Kind) -> bool:
    return run.data.tags.get(kind) == "complete"


def _same(run: "Run", record: Record) -> bool:
    return run.data.tags.get(f"{record.kind}.record") == record.key


def _agrees(known: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return all(known.get(key, value) == value for key, value in new.items())


def _start(client: "MlflowClient", number: str, record: Record) -> str:
    tags = {"trace": record.trace, **record.tags, f"{record.kind}.record": record.key}
    run = client.create_run(number, start_time=record.start, tags=tags, run_name=record.name)
    return str(run.info.run_id)


def log(
    client: "MlflowClient",
    identity: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    metrics: Sequence[records.Metric],
) -> None:
    """Write tags, parameters and metrics to a run, as many at once as MLflow takes."""
    from mlflow.entities import Metric, Param, RunTag

    for some in _parts([RunTag(*item) for item in tags.items()], ENTRIES_AT_ONCE):
        client.log_batch(identity, tags=some)
    for some in _parts([Param(*item) for item in params.items()], ENTRIES_AT_ONCE):
        client.log_batch(identity, params=some)
    entities = [Metric(metric.key, metric.value, metric.time, metric.step) for metric in metrics]
    for some in _parts(entities, METRICS_AT_ONCE):
        client.log_batch(identity, metrics=some)


def log_attachments(client: "MlflowClient", identity: str, record: Record) -> None:
    """Write the data set, the files and the texts of a record to a run."""
    if record.dataset:
        _log_dataset(client, identity, record.dataset)
    for name, path in record.files.items():
        folder = str(PurePosixPath(name).parent)
        client.log_artifact(identity, str(path), None if folder == "." else folder)
    for name, text in record.texts.items():
        client.log_text(identity, text, name)


def _log_dataset(client: "MlflowClient", identity: str, dataset: Dataset) -> None:
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    entity = Entity(
        name=dataset.name,
        digest=dataset.digest[:DIGEST_LENGTH],
        source_type="assay",
        source=json.dumps({"source": dataset.source}),
        profile=json.dumps(dataset.profile),
    )
    client.log_inputs(identity, [DatasetInput(entity, [InputTag("mlflow.data.context", "train")])])


def _has_model(client: "MlflowClient", identity: str) -> bool:
    outputs = client.get_run(identity).outputs
    found = [client.get_logged_model(output.model_id) for output in outputs.model_outputs] if outputs else []
    return any(str(model.status) == "READY" for model in found)


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
