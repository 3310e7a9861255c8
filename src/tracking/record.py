"""A stage's part of an MLflow run as plain values: created without MLflow, written to it now or later.

Secrets in URLs are removed from all texts when a record is created, so that none of them can be sent with it.
"""

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from src.core import redact
from src.metrics.objectives import best_epoch

Kind = Literal["train", "evaluate", "export", "study"]
Status = Literal["RUNNING", "FINISHED", "KILLED", "FAILED"]  # MLflow's words
State = Literal["complete", "pruned", "failed"]
SIZE = "parameters"  # the only objective that is not a score on val
SCORES = "scores.json"  # an artifact of each run: every score with its interval, shown as a table


class LoggedMetric(NamedTuple):
    """One value at one step, with the fields in the order of MLflow's Metric; time in milliseconds since 1970."""

    key: str
    value: float
    time: int
    step: int


def history(epochs: Sequence[Mapping[str, Any]], start: int, end: int) -> Iterator[LoggedMetric]:
    """Yield a history as metrics epoch/NAME, with times spread evenly from start to end, as a history has none."""
    for number, row in enumerate(epochs, start=1):
        moment = start + (end - start) * number // len(epochs)
        for key, cell in row.items():
            if key != "epoch" and cell not in ("", None) and math.isfinite(value := float(cell)):
                yield LoggedMetric(f"epoch/{key}", value, moment, int(row["epoch"]))


def once(numbers: Mapping[str, float], moment: int) -> list[LoggedMetric]:
    """Return numbers that are measured once as metrics, leaving out NaN and infinity."""
    return [LoggedMetric(key, float(value), moment, 0) for key, value in numbers.items() if math.isfinite(value)]


def text(value: Any) -> str:
    """Return a value as MLflow shows it: a list without brackets."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def metric_name(objective: str) -> str:
    """Return the name of an objective in a training's run, such as val_auc; `auc` there is the score on train."""
    return objective if objective == SIZE else f"val_{objective.removeprefix('val_')}"


@dataclass(frozen=True)
class LoggedDataset:
    """The data that a model was trained on; profile holds counts."""

    name: str
    digest: str
    source: str
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class LoggedModel:
    """A bundle to log as a servable model, its hash, and the name to register it under, if any."""

    folder: Path
    digest: str
    register: str | None


@dataclass(frozen=True)
class Trial:
    """One finished trial of a study: the single source for tables, figures and its MLflow run.

    params: by dotted name. values: by metric; for a pruned trial, the last reported ones. rows: its history, empty for
    a trial that reuses the values of another one. start, end: milliseconds since 1970.
    """

    number: int
    state: State
    params: Mapping[str, Any]
    values: Mapping[str, float]
    rows: Sequence[Mapping[str, float]] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    reused_from: int | None = None
    start: int = 0
    end: int = 0

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose weights were scored; None if the values are reused from another trial."""
        return best_epoch(self.rows) or None

    def metrics(self) -> list[LoggedMetric]:
        """Return the trial's history and numbers as metrics of its run."""
        scores = {metric_name(objective): value for objective, value in self.values.items()}
        numbers = {**scores, **self.facts, "seconds": (self.end - self.start) / 1000}
        return [*history(self.rows, self.start, self.end), *once(numbers, self.end)]


@dataclass(frozen=True)
class Record:
    """A stage's part of a run, or a whole study, whose fingerprint is the study's key and whose trials are child runs.

    `key` identifies the record, so that sending it twice makes one run. `fresh` means that the training was just done;
    a record of outputs that DVC restored describes a training that may already have a run.
    The keys of files and texts are their paths among the run's artifacts; a file that does not exist is left out.
    Times are in milliseconds since 1970.
    """

    kind: Kind
    fingerprint: str
    experiment: str
    name: str
    start: int
    end: int
    status: Status = "FINISHED"
    fresh: bool = True
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[LoggedMetric] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    dataset: LoggedDataset | None = None
    model: LoggedModel | None = None
    trials: Sequence[Trial] = ()

    def __post_init__(self) -> None:
        clean: dict[str, Any] = {
            name: {key: redact.secrets(text) for key, text in getattr(self, name).items()}
            for name in ("params", "tags", "texts")
        }
        clean["files"] = {name: path for name, path in self.files.items() if path.is_file()}
        clean["trials"] = tuple(replace(trial, reason=redact.secrets(trial.reason)) for trial in self.trials)
        if self.dataset:
            clean["dataset"] = replace(self.dataset, source=redact.secrets(self.dataset.source))
        for name, value in clean.items():
            object.__setattr__(self, name, value)  # frozen, but complete only from here on
