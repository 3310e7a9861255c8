"""The only module that writes records into MLflow runs; writing a record again changes nothing."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from src.core.files import read_json
from src.core.paths import Bundle
from src.tracking import mlflow_store
from src.tracking.record import Kind, LoggedDataset, LoggedMetric, LoggedModel, Record, State, Status, text

WRITING, COMPLETE = "writing", "complete"  # stand before the key of a record, in the tag of its stage
DIGEST_LENGTH = 36  # MLflow's limit
MOST_RUNS = 50_000  # MLflow's limit for one search

KEY = "study.key"
TRIAL = "study.trial"
PARENT = "mlflow.parentRunId"
STATUS: dict[State, Status] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
SHARED = ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit", "data.name")

SERVED = Path(__file__).with_name("served_model.py")
DIGEST = "bundle"  # the tag of a logged model that holds the hash of its bundle
REGISTERED = """Takes image files (names, or content as base64) and returns class, probabilities and flags:
```
mlflow.pyfunc.load_model("models:/{name}@{alias}").predict(["image.png"])
```"""
ALIAS = "current"  # of the version that was registered last

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.models import ModelSignature


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a record into its run, which is found by its fingerprint or created, and return the run's id.

    A fresh training gets a run of its own. Anything else joins the newest run with the same fingerprint. The tag of the
    stage is set to complete only at the end: after an interrupted write, the next one writes that part again.
    """
    number = mlflow_store.experiment(client, record.experiment, home)
    mark: dict[str, str] = {record.kind: f"{WRITING} {record.key}"}
    if (run := _find(client, number, record)) is None:
        tags = {_join(record.kind): record.fingerprint, **record.tags, **mark}
        run = client.create_run(number, start_time=record.start, tags=tags, run_name=record.name)
    identity = str(run.info.run_id)
    _write_trials(client, number, identity, record)
    whole = _is_complete(run, record.kind) and (not record.fresh or _is_of(run, record))
    if not whole:
        new = {key: value for key, value in record.params.items() if key not in run.data.params}  # the first one stays
        _log(client, identity, {**record.tags, **mark}, new, record.metrics)
        _log_attachments(client, identity, record)
    if record.model:
        log_model(client, identity, record.model)  # the registry may lack it
    if not whole:
        client.set_tag(identity, record.kind, f"{COMPLETE} {record.key}")
        if record.status == "RUNNING":
            client.update_run(identity, "RUNNING")
        elif record.kind == "study" or run.info.status == "RUNNING":  # later stages keep its end
            client.set_terminated(identity, record.status, record.end)
    return identity


def _find(client: "MlflowClient", number: str, record: Record) -> "Run | None":
    """Find the run that a record belongs to.

    A run holds one training and one params.yaml. A run with the same fingerprint but other parameters (another name
    for the same data, or another evaluation) is therefore a different run. A study always continues its own run.
    """
    query, order = f"tags.`{_join(record.kind)}` = '{record.fingerprint}'", ["attributes.start_time DESC"]
    runs = client.search_runs([number], query, order_by=order)
    if same := [run for run in runs if _is_of(run, record)]:
        return same[0]
    if record.kind == "train" and record.fresh:
        return None
    agreeing = (run for run in runs if _agrees(run.data.params, record.params))
    return next(iter(runs) if record.kind == "study" else agreeing, None)


def _agrees(known: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Return whether all parameters that both have are equal."""
    return all(known.get(key, value) == value for key, value in new.items())


def _join(kind: Kind) -> str:
    """Return the tag that a run is found by: a study's key is not the fingerprint of a training."""
    return KEY if kind == "study" else "fingerprint"


def _is_complete(run: "Run", kind: Kind) -> bool:
    return str(run.data.tags.get(kind)).startswith(COMPLETE)


def _is_of(run: "Run", record: Record) -> bool:
    return str(run.data.tags.get(record.kind)).endswith(record.key)


def _log(
    client: "MlflowClient",
    identity: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    metrics: Sequence[LoggedMetric],
) -> None:
    """Write tags, parameters and metrics to a run."""
    from mlflow.entities import Metric, Param, RunTag

    client.log_batch(
        identity,
        [Metric(*each) for each in metrics],
        [Param(*item) for item in params.items()],
        [RunTag(*item) for item in tags.items()],
    )


def _log_attachments(client: "MlflowClient", identity: str, record: Record) -> None:
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


def _write_trials(client: "MlflowClient", number: str, parent: str, record: Record) -> None:
    """Write each trial of a study into its own run; skip existing runs that are not RUNNING, as they are complete."""
    if not record.trials:
        return
    below = client.search_runs([number], f"tags.`{PARENT}` = '{parent}'", max_results=MOST_RUNS)
    known = {run.data.tags.get(TRIAL): run for run in below}
    shared = {key: value for key, value in record.tags.items() if key in SHARED}
    for trial in record.trials:
        run = known.get(str(trial.number))
        if run is None:
            tags = {PARENT: parent, TRIAL: str(trial.number), "trial.state": trial.state, **shared}
            tags |= {"trial.reason": trial.reason} if trial.reason else {}
            tags |= {} if trial.reused_from is None else {"trial.reused_from": str(trial.reused_from)}
            run = client.create_run(number, start_time=trial.start, tags=tags, run_name=f"trial {trial.number}")
        elif run.info.status != "RUNNING":
            continue
        params = {key: text(value) for key, value in trial.params.items()}
        _log(client, run.info.run_id, {}, params, trial.metrics())
        client.set_terminated(run.info.run_id, STATUS[trial.state], trial.end)


def log_model(client: "MlflowClient", identity: str, model: LoggedModel) -> None:
    """Log a bundle as the model of a run unless it is logged already, and register it if a name is given.

    Input of the model: images as base64, or file names. Output: one row per image, as from `python -m src.predict`.
    """
    import mlflow

    if (known := logged(client, identity, model.digest)) is None:
        bundle = Bundle(model.folder)
        with mlflow.start_run(run_id=identity), warnings.catch_warnings(action="ignore"):  # no input example
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
    """Return the id of the newest complete model of a run that holds a bundle (of this digest), or None."""
    outputs = client.get_run(identity).outputs
    found = [client.get_logged_model(output.model_id) for output in outputs.model_outputs] if outputs else []
    whole = [each for each in found if str(each.status) == "READY" and DIGEST in each.tags]
    same = [each for each in whole if digest in (None, each.tags[DIGEST])]
    return str(max(same, key=lambda each: each.creation_timestamp).model_id) if same else None


def _signature(classes: list[str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    each = [f"{kind}_{name}" for kind in ("p", "uncalibrated") for name in classes]
    texts, numbers = ("file", "class", "flags", "error"), ("probability", "threshold", "distance", *each)
    columns = dict.fromkeys(texts, "string") | dict.fromkeys(numbers, "double")
    answers = Schema([ColSpec(kind, name, required=False) for name, kind in columns.items()])
    return ModelSignature(Schema([ColSpec("string")]), answers)
