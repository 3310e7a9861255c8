"""A stage's part of an MLflow run as plain values: made without MLflow, written to it now or later.

Secrets in URLs are taken out of all texts when a record is made, so that none of them can leave with it.
"""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from src.core import redact
from src.core.files import read_json, replacing, write_json

UNSENT = Path("mlruns/unsent")
NAME = 16  # characters of a fingerprint that name its folder
Kind = Literal["train", "evaluate", "export", "study"]
KINDS: tuple[Kind, ...] = ("train", "evaluate", "export", "study")  # in the order in which they are sent
Status = Literal["RUNNING", "FINISHED", "KILLED", "FAILED"]  # MLflow's words
State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class LoggedMetric:
    """One value at one step; time in milliseconds since 1970."""

    key: str
    value: float
    time: int
    step: int


@dataclass(frozen=True)
class LoggedDataset:
    """The data that a model was trained on; profile holds counts."""

    name: str
    digest: str
    source: str
    profile: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", redact.secrets(self.source))


@dataclass(frozen=True)
class LoggedModel:
    """A bundle to be logged as a servable model, its hash, and the name that it is registered by, if any."""

    folder: Path
    digest: str
    register: str | None


@dataclass(frozen=True)
class Trial:
    """One trial of a study that has ended: the one record of it, from the study to tables, figures and its MLflow run.

    params: by dotted name. values: by metric, of a pruned trial the last reported. rows: its history, none for a
    trial that took over the values of another. start, end: milliseconds since 1970.
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
        """The epoch, counted from 1, whose weights were scored: of the lowest validation loss, without val the last."""
        losses = [row["val_loss"] for row in self.rows if "val_loss" in row]
        return losses.index(min(losses)) + 1 if losses else len(self.rows) or None


@dataclass(frozen=True)
class Record:
    """A stage's part of a run, or a whole study: then its fingerprint is the study's key, its trials are runs below it.

    `key` identifies the record, so that sending it twice makes one run; `fresh` that a training was just done, while
    a record made from outputs that DVC restored describes a training that may have its run already.
    Files are given by the path that they get among the run's artifacts. Times in milliseconds since 1970.
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
    metrics: list[LoggedMetric] = field(default_factory=list)
    files: Mapping[str, Path] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    dataset: LoggedDataset | None = None
    model: LoggedModel | None = None
    trials: Sequence[Trial] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", {**self.texts, **_with_secrets(self.files)})  # frozen, but only now complete
        object.__setattr__(self, "files", {name: self.files[name] for name in self.files if name not in self.texts})
        _take_out_secrets(self, "params", "tags", "texts")


def keep(record: Record, home: Path) -> Path:
    """Copy a record with all its files to where records wait for their server, and give that folder."""
    folder = home / UNSENT / record.fingerprint[:NAME] / record.kind
    with replacing(folder) as temporary:
        for name, source in record.files.items():
            _copy(source, temporary / "files" / name)
        for name, text in record.texts.items():
            (temporary / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / "files" / name).write_text(text, encoding="utf-8")
        if record.model:
            shutil.copytree(record.model.folder, temporary / "bundle")
        write_json(temporary / "record.json", _plain(record))
    return folder


def load(folder: Path) -> Record:
    """Read a record that `keep` wrote."""
    content = read_json(folder / "record.json")
    files = (path for path in sorted((folder / "files").rglob("*")) if path.is_file())
    model = content["model"] and LoggedModel(**content["model"] | {"folder": folder / "bundle"})
    parts = {
        "metrics": [LoggedMetric(**metric) for metric in content["metrics"]],
        "trials": [Trial(**trial) for trial in content["trials"]],
        "files": {path.relative_to(folder / "files").as_posix(): path for path in files},
        "dataset": content["dataset"] and LoggedDataset(**content["dataset"]),
        "model": model,
    }
    return Record(**content | parts)


def kept(home: Path, fingerprint: str | None = None) -> Iterator[Path]:
    """List the folders of records that wait, in the order in which they must be sent; of one fingerprint or of all."""
    for folder in sorted((home / UNSENT).glob(fingerprint[:NAME] if fingerprint else "*")):
        yield from (folder / kind for kind in KINDS if (folder / kind / "record.json").is_file())


def drop(folder: Path) -> None:
    """Delete a record that was sent, and the folder of its fingerprint with the last one."""
    shutil.rmtree(folder)
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _take_out_secrets(made: Record, *fields: str) -> None:
    for name in fields:
        clean = {key: redact.secrets(text) for key, text in getattr(made, name).items()}
        object.__setattr__(made, name, clean)


def _with_secrets(files: Mapping[str, Path]) -> dict[str, str]:
    """Read the files that people write, whose comments may hold anything, and return those that hold a secret."""
    written = {name: path for name, path in files.items() if path.suffix == ".yaml" and path.is_file()}
    found = {name: path.read_text(encoding="utf-8") for name, path in written.items()}
    return {name: text for name, text in found.items() if redact.secrets(text) != text}


def _plain(record: Record) -> dict[str, Any]:
    plain = asdict(replace(record, files={}, texts={}))
    if plain["model"]:
        plain["model"]["folder"] = ""
    return plain


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
