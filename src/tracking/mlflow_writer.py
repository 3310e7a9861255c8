"""The one place where a record becomes part of an MLflow run; doing it again changes nothing."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from src.core.files import read_json
from src.core.paths import Bundle
from src.tracking import mlflow_store
from src.tracking.record import Kind, LoggedDataset, LoggedMetric, LoggedModel, Record, State, Status, Trial
from src.tracking.tags import history, once, text, trial_name

METRICS_AT_ONCE = 1000  # MLflow's limits for one log_batch
ENTRIES_AT_ONCE = 100
DIGEST_LENGTH = 36

WRITING, COMPLETE = "writing", "complete"  # before the key of a record, in the tag of its stage

LOCK = Path("mlruns/.studies.lock")
KEY = "study.key"
TRIAL = "study.trial"
PARENT = "mlflow.parentRunId"
STATUS: dict[State, Status] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
SHARED = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit", "data.name")
SIZE = "parameters"  # the one objective that is no score on val
LONGEST_TAG = 5000  # characters: MLflow's limit

SERVED = Path(__file__).with_name("served_model.py")
DIGEST = "bundle"  # the tag of a logged model that holds the hash of its bundle
REGISTERED = """Takes image files (names, or their content as base64), and answers with class, probabilities and flags:
```
mlflow.pyfunc.load_model("models:/{name}@{alias}").predict(["image.png"])
```"""
ALIAS = "current"  # of the version that was registered last

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.models import ModelSignature


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a record into its run, which is found by its fingerprint or made, and give the run's id.

    A fresh training is a run of its own. Anything else joins the newest run of the same fingerprint.
    """
    number = mlflow_store.experiment(client, record.experiment, home)
    run = find(client, number, record)
    identity = str((run or _start(client, number, record)).info.run_id)
    if run and _complete(run, record.kind) and (_same(run, record) or not record.fresh):
        if record.model:
            log_model(client, identity, record.model)  # the registry may lack it
        return identity
    log(client, identity, {**record.tags, record.kind: f"{WRITING} {record.key}"}, record.params, record.metrics)
    log_attachments(client, identity, record)
    if record.model:
        log_model(client, identity, record.model)
    client.set_tag(identity, record.kind, f"{COMPLETE} {record.key}")
    if not run or run.info.status == "RUNNING":  # a later stage leaves the time of the training as it was
        client.set_terminated(identity, end_time=record.end)
    return identity


def find(client: "MlflowClient", number: str, record: Record) -> "Run | None":
    """Find the run that a record belongs to.

    A run holds one training and one params.yaml: a run of the same fingerprint whose parameters say otherwise (a data
    set of another name but the same content, another way to evaluate) is not it.
    """
    runs = client.search_runs(
        [number], f"tags.fingerprint = '{record.fingerprint}'", order_by=["attributes.start_time DESC"]
    )
    if same := [run for run in runs if _same(run, record)]:
        return same[0]
    if record.kind == "train" and record.fresh:
        return None
    return next((run for run in runs if _agrees(run.data.params, record.params)), None)


def has(client: "MlflowClient", kind: Kind, record: Record, home: Path) -> bool:
    """Return whether the run that a record belongs to is there with all of a stage, such as its training."""
    run = find(client, mlflow_store.experiment(client, record.experiment, home), record)
    return run is not None and _complete(run, kind)


def _complete(run: "Run", kind: Kind) -> bool:
    return str(run.data.tags.get(kind)).startswith(COMPLETE)


def _same(run: "Run", record: Record) -> bool:
    return str(run.data.tags.get(record.kind)).endswith(record.key)


def _agrees(known: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return all(known.get(key, value) == value for key, value in new.items())


def _start(client: "MlflowClient", number: str, record: Record) -> "Run":
    tags = {"fingerprint": record.fingerprint, **record.tags, record.kind: f"{WRITING} {record.key}"}
    if record.kind == "study":  # its runs below come first, and a study's fingerprint is no training's
        tags = {KEY: record.fingerprint, **record.tags}
    return client.create_run(number, start_time=record.start, tags=tags, run_name=record.name)


def log(
    client: "MlflowClient",
    identity: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    metrics: Sequence[LoggedMetric],
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
    for name, content in record.texts.items():
        client.log_text(identity, content, name)


def _log_dataset(client: "MlflowClient", identity: str, dataset: LoggedDataset) -> None:
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


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def write_nested(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a study as far as it has come and give the id of its run; what is there already is not written again."""
    (home / LOCK).parent.mkdir(exist_ok=True)
    with FileLock(home / LOCK):  # two senders would make two runs of a trial
        number = mlflow_store.experiment(client, record.experiment, home)
        run = _find(client, number, record) or _start(client, number, record)
        identity = str(run.info.run_id)
        below = mlflow_store.search(client, [number], f"tags.`{PARENT}` = '{identity}'")
        known = {one.data.tags.get(TRIAL): one for one in below}
        for trial in record.trials:
            there = known.get(str(trial.number))
            if there is None or there.info.status == "RUNNING":
                _write_trial(client, number, identity, record, trial, there)
        if run.data.tags.get("study.record") != record.key:
            _write_parent(client, run, record)
    return identity


def _find(client: "MlflowClient", number: str, record: Record) -> "Run | None":
    runs = client.search_runs([number], f"tags.`{KEY}` = '{record.fingerprint}'", order_by=["attributes.start_time"])
    return runs[0] if runs else None


def metric_name(objective: str) -> str:
    """Name an objective as the run of a training names it: `auc` is there what each epoch has on train."""
    return objective if objective == SIZE else f"val_{objective.removeprefix('val_')}"


def _write_trial(
    client: "MlflowClient", number: str, parent: str, record: Record, trial: Trial, there: "Run | None"
) -> None:
    tags = {PARENT: parent, TRIAL: str(trial.number), **_trial_tags(record, trial)}
    run = there or client.create_run(number, start_time=trial.start, tags=tags, run_name=trial_name(trial.number))
    scores = {metric_name(objective): value for objective, value in trial.values.items()}
    numbers = {**scores, **trial.facts, "seconds": (trial.end - trial.start) / 1000}
    metrics = [*history(trial.rows, trial.start, trial.end), *once(numbers, trial.end)]
    log(client, run.info.run_id, {}, {key: text(value) for key, value in trial.params.items()}, metrics)
    # The last: a run that is RUNNING is not whole.
    client.set_terminated(run.info.run_id, STATUS[trial.state], trial.end)


def _trial_tags(record: Record, trial: Trial) -> dict[str, str]:
    """Return what a trial shares with its study, how it ended, and why."""
    shared = {key: value for key, value in record.tags.items() if key in SHARED}
    tags = {"trial.state": trial.state, "trial.reason": trial.reason[:LONGEST_TAG]}
    tags |= {} if trial.reused_from is None else {"trial.reused_from": str(trial.reused_from)}
    return {key: value for key, value in {**shared, **tags}.items() if value}


def _write_parent(client: "MlflowClient", run: "Run", record: Record) -> None:
    """Update the study's own run; MLflow refuses to change a parameter, so the first value stays."""
    identity = run.info.run_id
    new = {key: value for key, value in record.params.items() if key not in run.data.params}
    log(client, identity, record.tags, new, record.metrics)
    log_attachments(client, identity, record)
    if record.status == "RUNNING":
        client.update_run(identity, "RUNNING")
    else:
        client.set_terminated(identity, record.status, record.end)
    client.set_tag(identity, "study.record", record.key)


def log_model(client: "MlflowClient", identity: str, model: LoggedModel) -> None:
    """Log a bundle as the model of a run, unless it is there, and register it where that is wanted.

    Input: images as base64, or the names of files. Output: what `python -m src.predict` says, a row for each.
    """
    import mlflow

    if (known := logged(client, identity, model.digest)) is None:
        bundle = Bundle(model.folder)
        with mlflow.start_run(run_id=identity), warnings.catch_warnings(action="ignore"):  # of no example as input
            known = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(SERVED),
                artifacts={"bundle": str(model.folder)},
                signature=_signature(read_json(bundle.description)["classes"]),
                pip_requirements=[*bundle.requirements.read_text().split(), f"mlflow=={mlflow.__version__}"],
                tags={DIGEST: model.digest},
            ).model_id
    same = f"name = '{model.register}' and tags.{DIGEST} = '{model.digest}'"
    if model.register and not client.search_model_versions(same):
        version = mlflow.register_model(f"models:/{known}", model.register, tags={DIGEST: model.digest})
        client.set_registered_model_alias(model.register, ALIAS, version.version)
        client.update_registered_model(model.register, REGISTERED.format(name=model.register, alias=ALIAS))
        made = client.get_run(identity)
        client.update_model_version(model.register, version.version, made.data.tags.get("mlflow.note.content"))


def logged(client: "MlflowClient", identity: str, digest: str | None = None) -> str | None:
    """Return the id of the newest whole model of a run that holds a bundle, None where there is none."""
    outputs = client.get_run(identity).outputs
    found = [client.get_logged_model(output.model_id) for output in outputs.model_outputs] if outputs else []
    whole = [each for each in found if str(each.status) == "READY" and DIGEST in each.tags]
    same = [each for each in whole if digest in (None, each.tags[DIGEST])]
    return str(max(same, key=lambda each: each.creation_timestamp).model_id) if same else None


def _signature(classes: list[str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    numbers = [
        "probability",
        "threshold",
        "distance",
        *(f"{kind}_{name}" for kind in ("p", "uncalibrated") for name in classes),
    ]
    columns = {
        "file": "string",
        "class": "string",
        "flags": "string",
        **dict.fromkeys(numbers, "double"),
        "error": "string",
    }
    return ModelSignature(
        Schema([ColSpec("string")]), Schema([ColSpec(kind, name, required=False) for name, kind in columns.items()])
    )
