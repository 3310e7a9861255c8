"""What every run of ours says of itself: the code, data and values that made it, the machine, its numbers."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from src import paths
from src.params import Params
from src.tracking import surroundings
from src.tracking.records import Dataset, Metric
from src.tracking.surroundings import Commit
from src.tracking.trace import Trace, flat


@dataclass(frozen=True)
class Stint:
    """When something ran, in milliseconds since 1970, the state of the code when it began, and what it measured."""

    start: int
    end: int
    commit: Commit
    measured: Mapping[str, float] = field(default_factory=dict)


def values(settings: Params, *, tune: bool = False) -> dict[str, str]:
    """Give the values of params.yaml by dotted name, as text; those of the search only where they are asked for."""
    content = settings.model_dump(mode="json", exclude=None if tune else {"tune"})
    return {key: text(value) for key, value in flat(content)}


def text(value: Any) -> str:
    """Write a value as MLflow shows it: a list without brackets."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def origin(commit: Commit, kind: str, entry: str, again: str = "dvc repro") -> dict[str, str]:
    """Give the tags that say what made a run: its kind, entry point, commit and machine, and how it is made again."""
    tags = {"origin": kind, **surroundings.machine()}
    tags |= {
        "mlflow.source.name": entry,
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": _note(commit, again),
    }
    if commit.commit:
        tags |= {"mlflow.source.git.commit": commit.commit, "git.commit": commit.commit, "git.branch": commit.branch}
        tags["git.dirty"] = str(commit.dirty).lower()
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.experiment"] = experiment
    return tags


def texts(commit: Commit) -> dict[str, str]:
    """Give the texts that a run keeps: its environment, and what was not committed."""
    kept = {"environment.txt": surroundings.environment()}
    return kept | ({"git.diff": commit.diff} if commit.diff else {})


def code(trace: Trace) -> dict[str, str]:
    """Give the hashes of code and data as tags."""
    return {"code.sha256": trace.code, **{f"sha256.{name}": value for name, value in trace.data.items()}}


def dataset(trace: Trace, settings: Params, data: Mapping[str, str]) -> Dataset:
    """Describe the data set, with the counts that the tags `data` hold."""
    name = data["data.name"]
    digest = trace.data.get(paths.PREPARED.images.as_posix(), trace.trace)
    counted = {key.removeprefix("data."): int(value) for key, value in data.items() if value.isdigit()}
    return Dataset(name, digest, settings.dataset.source, counted)


def history(epochs: Sequence[Mapping[str, Any]], start: int, end: int) -> Iterator[Metric]:
    """Walk a history as metrics, their times spread evenly from start to end: a history holds none."""
    for number, row in enumerate(epochs, start=1):
        moment = start + (end - start) * number // len(epochs)
        for key, cell in row.items():
            if key != "epoch" and cell not in ("", None) and math.isfinite(value := float(cell)):
                yield Metric(key, value, moment, int(row["epoch"]))


def once(numbers: Mapping[str, float], moment: int) -> list[Metric]:
    """Give numbers that are measured once as metrics, those that are none left out."""
    return [Metric(key, float(value), moment, 0) for key, value in numbers.items() if math.isfinite(value)]


def _note(commit: Commit, again: str) -> str:
    """Say how the run can be made again: what `mlflow ui` shows as its description."""
    steps = [f"git checkout {commit.commit}"] if commit.commit else []
    steps += ["git apply git.diff  # an artifact of this run"] if commit.diff else []
    return "Made again by\n```\n" + "\n".join([*steps, again]) + "\n```"
