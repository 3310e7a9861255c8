"""Reads tracked runs back as plain values."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from src.core.errors import AssayError
from src.tracking import mlflow_store, mlflow_writer
from src.tracking.mlflow_writer import COMPLETE, MOST_RUNS
from src.tracking.record import SCORES, Kind, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as Entity

NOTHING = "-"
STAGES = get_args(Kind)  # in the order in which they run
HELD = """
    SELECT run_uuid FROM runs run JOIN experiments experiment USING (experiment_id) JOIN tags made USING (run_uuid)
    WHERE made.key = 'fingerprint' AND made.value = ? AND experiment.name = ?
    AND experiment.lifecycle_stage = 'active' AND run.lifecycle_stage = 'active'
"""


@dataclass(frozen=True)
class Run:
    """One training and its evaluation; start in milliseconds since 1970; counts of images and groups by part."""

    identity: str
    name: str
    experiment: str
    start: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return self.tags["fingerprint"]


def read(home: Path) -> list[Run]:
    """Read every finished run that has a fingerprint, of all experiments, newest first.

    Raises:
        AssayError: the server cannot be reached or the database cannot be read.
    """
    if (file := mlflow_store.database(home)) and not file.is_file():
        return []
    with mlflow_store.connected(home) as client:
        names = {item.experiment_id: item.name for item in client.search_experiments()}
        query = "tags.train LIKE 'complete%'"
        found = client.search_runs(list(names), query, max_results=MOST_RUNS, order_by=["start_time DESC"])
        return [_plain(run, names[run.info.experiment_id]) for run in found]


def bundle(name: str, home: Path, folder: Path) -> Path:
    """Return the bundle of a run (by its id) or of a registered model; download it into `folder` from a server.

    Raises:
        AssayError: there is no such run or model, it holds no bundle, or the server cannot be reached.
    """
    if (file := mlflow_store.database(home)) and not file.is_file():
        raise AssayError(f"{name}: no runs yet: {file.name} is not there; `dvc repro` trains and tracks one")
    with mlflow_store.connected(home) as client:
        import mlflow

        if (address := name).partition("/")[0] != "models:":
            if (found := mlflow_writer.logged(client, name)) is None:
                raise AssayError(f"run {name}: holds no bundle; `dvc repro export` with track.model: true logs one")
            address = client.get_logged_model(found).artifact_location  # models:/ID takes no path below it
        return Path(mlflow.artifacts.download_artifacts(f"{address}/artifacts/bundle", dst_path=str(folder)))


def newest(runs: Sequence[Run]) -> list[Run]:
    """Keep only the newest run of each fingerprint."""
    return list({run.fingerprint: run for run in sorted(runs, key=lambda run: run.start)}.values())


def score(metrics: Mapping[str, float], name: str) -> str:
    """Format a metric, with its interval if it has one.

    >>> score({"test_auc": 0.8123, "test_auc_low": 0.7, "test_auc_high": 0.9}, "test_auc")
    '0.812 [0.70, 0.90]'
    """
    low, high = (metrics.get(f"{name}_{end}") for end in ("low", "high"))
    return interval(metrics[name], low, high) if name in metrics else NOTHING


def interval(value: float, low: float | None, high: float | None) -> str:
    """Format a number, with its interval if it has one."""
    return f"{value:.3f}" + ("" if low is None or high is None else f" [{low:.2f}, {high:.2f}]")


def detailed(runs: Sequence[Run], home: Path) -> list[Run]:
    """Add to each run all scores of its scores.json, with the ends of their intervals (such as test_auc_low).

    Raises:
        AssayError: the server cannot be reached.
    """
    if not runs:
        return []
    with mlflow_store.connected(home) as client:
        return [replace(run, metrics={**_scores(client, run.identity), **run.metrics}) for run in runs]


def _scores(client: "MlflowClient", identity: str) -> dict[str, float]:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        rows = json.loads(mlflow.artifacts.load_text(f"runs:/{identity}/{SCORES}"))["data"]
    except (MlflowException, OSError, ValueError, KeyError):  # without an evaluation there are none
        return {}
    cells = ((name + end, cell) for name, *row in rows for end, cell in zip(("", "_low", "_high"), row, strict=True))
    return {name.replace(".", "_"): cell for name, cell in cells if cell is not None}


def _plain(run: "Entity", experiment: str) -> Run:
    data, used = run.data, run.inputs.dataset_inputs if run.inputs else []
    counts = json.loads(used[0].dataset.profile or "{}") if used else {}
    name = run.info.run_name or ""
    return Run(run.info.run_id, name, experiment, run.info.start_time, data.params, data.tags, data.metrics, counts)


def holds(home: Path, record: Record) -> bool:
    """Return whether the database certainly holds a record and those of the stages before it, with its parameters.

    A registered model must be there too.

    The query does not use MLflow: importing it would take most of the time of a `make repro` that has nothing to do.
    """
    if (file := mlflow_store.database(home)) is None or not file.is_file():
        return False
    needed = STAGES[: STAGES.index(record.kind) + 1]
    try:
        with closing(sqlite3.connect(file)) as connection:
            if (model := record.model) and model.register:
                version = "SELECT 1 FROM model_version_tags WHERE name = ? AND value = ?"
                if not connection.execute(version, (model.register, model.digest)).fetchone():
                    return False
            for run in connection.execute(HELD, (record.fingerprint, record.experiment)).fetchall():
                pairs = (f"SELECT key, value FROM {table} WHERE run_uuid = ?" for table in ("params", "tags"))
                params, tags = (dict(connection.execute(each, run).fetchall()) for each in pairs)
                if params == record.params and all(tags.get(kind, "").startswith(COMPLETE) for kind in needed):
                    return True
            return False
    except sqlite3.Error:  # other tables, or a broken database: then MLflow itself is asked
        return False
