"""The name, tags and numbers of a run in MLflow: the code, data and values that made it, and the machine.

The tag `git.dirty` is "true" where the working tree had uncommitted changes (`environment.commit` reads it).
"""

import math
import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from src import config
from src.config import Params, source_name
from src.core import nested, paths, yaml_file
from src.core.files import read_csv
from src.core.partition import PARTS
from src.tracking import environment
from src.tracking.environment import Commit
from src.tracking.fingerprint import Fingerprint
from src.tracking.record import LoggedDataset, LoggedMetric

SHORT = 8  # characters of a fingerprint in the name of a run


def run_name(settings: Params, fingerprint: Fingerprint) -> str:
    """Name the MLflow run of a training: its model and the beginning of its fingerprint."""
    return f"{settings.model.name}-{fingerprint.sha256[:SHORT]}"


def trial_name(number: int) -> str:
    """Name the MLflow run of a trial."""
    return f"trial {number}"


def values(settings: Params, *, tune: bool = False) -> dict[str, str]:
    """Return the values of params.yaml by dotted name, as text; those of the search only where they are asked for."""
    content = settings.model_dump(mode="json", exclude={"track": {"register"}})  # a name is no part of what made a run
    for section in ("repeat",) if tune else ("repeat", "tune"):
        del content[section]
    return {key: text(value) for key, value in nested.flat(content)}


def text(value: Any) -> str:
    """Write a value as MLflow shows it: a list without brackets."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def origin(commit: Commit, kind: str, entry: str, again: str = "dvc repro") -> dict[str, str]:
    """Return the tags about what made a run: its kind, entry point, commit and machine, and how it is made again."""
    tags = {"origin": kind, **environment.machine()}
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
    """Return the texts that a run keeps: its environment, and what was not committed."""
    kept = {"environment.txt": environment.environment()}
    return kept | ({"git.diff": commit.diff} if commit.diff else {})


def code(fingerprint: Fingerprint) -> dict[str, str]:
    """Return the hashes of code and data as tags."""
    return {"code.sha256": fingerprint.code, **{f"sha256.{name}": value for name, value in fingerprint.data.items()}}


def dataset(fingerprint: Fingerprint, settings: Params, data: Mapping[str, str]) -> LoggedDataset:
    """Describe the data set, with the counts that the tags `data` hold."""
    name = data["data.name"]
    digest = fingerprint.data.get(paths.PREPARED.images.as_posix(), fingerprint.sha256)
    counted = {key.removeprefix("data."): int(value) for key, value in data.items() if value.isdigit()}
    return LoggedDataset(name, digest, settings.dataset.source, counted)


def history(epochs: Sequence[Mapping[str, Any]], start: int, end: int) -> Iterator[LoggedMetric]:
    """Yield a history as metrics, their times spread evenly from start to end: a history holds none."""
    for number, row in enumerate(epochs, start=1):
        moment = start + (end - start) * number // len(epochs)
        for key, cell in row.items():
            if key != "epoch" and cell not in ("", None) and math.isfinite(value := float(cell)):
                yield LoggedMetric(key, value, moment, int(row["epoch"]))


def once(numbers: Mapping[str, float], moment: int) -> list[LoggedMetric]:
    """Return numbers that are measured once as metrics, those that are none left out."""
    return [LoggedMetric(key, float(value), moment, 0) for key, value in numbers.items() if math.isfinite(value)]


def _note(commit: Commit, again: str) -> str:
    """Return how the run can be made again: what `mlflow ui` shows as its description."""
    steps = [f"git checkout {commit.commit}"] if commit.commit else []
    steps += ["git apply git.diff  # an artifact of this run"] if commit.diff else []
    return "Made again by\n```\n" + "\n".join([*steps, again]) + "\n```"


def split_name(split: config.Split) -> str:
    """Describe in a few words how the parts were made.

    >>> split_name(config.Split(train=0.5, val=0.1, test=0.4, by="group", folds="ignore", leaks="warn"))
    '50/10/40 by group'
    >>> split_name(config.Split(train=0.5, val=0.1, test=0.4, by="group", folds="respect", leaks="warn"))
    "source's test part, by group"
    """
    ratios = "/".join(f"{100 * part:g}" for part in (split.train, split.val, split.test))
    return f"source's test part, by {split.by}" if split.folds == "respect" else f"{ratios} by {split.by}"


def counts(parts: Path) -> dict[str, int]:
    """Count images and groups: keys images, train.images, train.groups, val.images, ...; 0 groups if none is known."""
    images: dict[str, int] = defaultdict(int)
    groups: dict[str, set[str]] = defaultdict(set)
    for row in read_csv(parts, ("part", "group")):
        images[row["part"]] += 1
        groups[row["part"]] |= {row["group"]} - {""}
    found = {"images": sum(images.values())}
    for part in PARTS:
        found |= {f"{part}.images": images[part], f"{part}.groups": len(groups[part])}
    return found


def describe(dataset: config.Dataset, split: config.Split, parts: Path) -> dict[str, str]:
    """Return the tags about the data of a run."""
    counted = {f"data.{key}": str(value) for key, value in counts(parts).items()}
    return {"data.name": source_name(dataset.source), "data.split": split_name(split), **counted}


def locked(lock: Path, stages: Collection[str]) -> dict[str, str]:
    """Return the hashes that dvc.lock knows of the outputs of some stages, as tags: ``dvc.build/model``."""
    if not lock.is_file():
        return {}
    known: Mapping[str, Any] = (yaml_file.read(lock) or {}).get("stages", {})
    outs = [out for name, stage in known.items() if name in stages for out in stage.get("outs", [])]
    return {f"dvc.{out['path']}": str(out.get("md5") or out.get("hash", "")) for out in outs}
