"""Records of a training and of an evaluation, made from what the stages wrote."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from src import config
from src.core import nested, paths
from src.core.errors import AssayError
from src.core.files import read_csv, read_json
from src.tracking import environment, mlflow_store, outbox, tags
from src.tracking import fingerprint as fingerprints
from src.tracking.fingerprint import Fingerprint
from src.tracking.record import Model, Record
from src.tracking.tags import Stint

LOCK = Path("dvc.lock")
UPSTREAM = ("download", "preprocess", "split", "train")  # DVC writes a stage's hashes only after it has run
SHORT = 8  # characters of a fingerprint that people read
FORBIDDEN = re.compile(r"[^\w\-. :/]")  # in the name of a metric

log = logging.getLogger(__name__)


def training_record(fingerprint: Fingerprint, stint: Stint | None = None) -> Record:
    """Describe the training in build/; without a stint it is one that DVC restored, and nobody knows when it ran."""
    when = stint or _now()
    settings = config.load()
    origin = "training" if stint else "outputs restored by DVC"
    epochs = read_csv(paths.MODEL.history)
    data = tags.describe(settings.dataset, settings.split, paths.SPLIT.parts)
    return Record(
        kind="train",
        fingerprint=fingerprint.sha256,
        experiment=settings.track.experiment,
        name=f"{settings.model.name}-{fingerprint.sha256[:SHORT]}",
        start=when.start,
        end=when.end,
        fresh=stint is not None,
        params=tags.values(settings),
        tags={**tags.origin(when.commit, origin, "stages/train.py"), **tags.code(fingerprint), **data},
        metrics=[*tags.history(epochs, when.start, when.end), *tags.once(when.measured, when.end)],
        files=_present(_train_files()),
        texts=tags.texts(when.commit),
        dataset=tags.dataset(fingerprint, settings, data),
        model=_model() if settings.track.model else None,
    )


def evaluation_record(fingerprint: Fingerprint, stint: Stint | None = None) -> Record:
    """Describe the evaluation in build/, a part of the run of the training that it looked at."""
    when = stint or _now()
    settings = config.load()
    scores = {**_scores(read_json(paths.EVALUATION.metrics)), **_audited(read_json(paths.SPLIT.audit))}
    return Record(
        kind="evaluate",
        fingerprint=fingerprint.sha256,
        experiment=settings.track.experiment,
        name=f"{settings.model.name}-{fingerprint.sha256[:SHORT]}",
        start=when.start,
        end=when.end,
        fresh=stint is not None,
        params=tags.values(settings),
        tags=tags.locked(LOCK, UPSTREAM),
        metrics=tags.once({**scores, **when.measured}, when.end),
        files=_present(_evaluation_files()),
    )


def _train_files() -> dict[str, Path]:
    sheets = {"data/steps.png": paths.PREPARED.sheet, "data/pairs.png": paths.SPLIT.sheet}
    tables = {"data/audit.json": paths.SPLIT.audit, "data/rejected.csv": paths.PREPARED.rejected}
    model = {
        "history.csv": paths.MODEL.history,
        "fingerprint.json": paths.MODEL.fingerprint,
        "classes.json": paths.MODEL.classes,
    }
    return {"params.yaml": paths.PARAMS, "dvc.yaml": Path("dvc.yaml"), **sheets, **tables, **model}


def _evaluation_files() -> dict[str, Path]:
    figures = {f"figures/{path.name}": path for path in sorted(paths.EVALUATION.figures.glob("*")) if path.is_file()}
    out = paths.EVALUATION
    tables = {path.name: path for path in (out.metrics, out.predictions, out.classification)}
    return {**figures, **tables, "report.html": paths.EVALUATION.report}


def _present(files: Mapping[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in files.items() if path.is_file()}


def _scores(tree: Mapping[str, Any]) -> dict[str, float]:
    """Flatten metrics.json: ``{"test": {"auc": {"value": 0.9, "low": 0.8}}}`` gives test_auc and test_auc_low.

    Scores on val are those of the best epoch, which is kept, and are named so: val_auc is the history's.
    """
    numbers = {key: value for key, value in nested.flat(tree) if isinstance(value, int | float)}
    names = {key: FORBIDDEN.sub("_", key.removesuffix(".value").replace(".", "_")) for key in numbers}
    return {f"best_{name}" if name.startswith("val_") else name: float(numbers[key]) for key, name in names.items()}


def _audited(audit: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of audit.json, which stand at its top: duplicates, shortcut_auc, ..."""
    return {key: float(value) for key, value in audit.items() if isinstance(value, int | float)}


def _model() -> Model:
    shape = np.load(paths.PREPARED.images, mmap_mode="r").shape[1:]
    return Model(paths.MODEL.model, environment.serving(), list(shape))


def unfit() -> str:
    """Return why build/ cannot be made a run by the code and the params.yaml that stand here now, or "" if it can."""
    from src.tracking import fingerprint

    if missing := [path for path in (paths.MODEL.fingerprint, paths.EVALUATION.metrics) if not path.is_file()]:
        return f"{missing[0]} is not there"
    if fingerprint.compute("train").sha256 != restored_fingerprint().sha256:
        return "the model in build/ was trained with other code, data or params.yaml"
    if not fingerprint.params_locked("evaluate", LOCK):
        return "the evaluation in build/ was made with other values of params.yaml"
    return ""


def _now() -> Stint:
    now = int(time.time() * 1000)
    return Stint(now, now, environment.commit())


def restored_fingerprint() -> Fingerprint:
    """Read the fingerprint that the training in build/ left.

    Raises:
        AssayError: nothing was trained here.
    """
    from src.tracking import fingerprint

    if not paths.MODEL.fingerprint.is_file():
        raise AssayError(f"{paths.MODEL.fingerprint}: not found; train with `dvc repro`")
    return fingerprint.read(paths.MODEL.fingerprint)


@dataclass
class Measured:
    """What a stage measured on the way and varies from run to run: for MLflow, never for an output of DVC."""

    fingerprint: str = ""
    values: dict[str, float] = field(default_factory=dict)

    def measure(self, **values: float) -> None:
        """Note numbers such as seconds and images a second."""
        self.values.update(values)


@contextmanager
def training() -> Iterator[Measured]:
    """Yield the fingerprint of the train stage; once the block has written the model, add the file and track the run.

    Raises:
        AssayError: an input that dvc.yaml lists is missing.
    """
    fingerprint = fingerprints.compute("train")
    began, measured = _began(), Measured(fingerprint.sha256)
    yield measured
    fingerprints.write(fingerprint, paths.MODEL.fingerprint)
    ended = _ended(began, measured, "train_seconds")
    _track(lambda: training_record(fingerprint, ended))


@contextmanager
def evaluation() -> Iterator[Measured]:
    """Track an evaluation in the run of its training, which is made from DVC's outputs if it is not there."""
    began, measured = _began(), Measured()
    yield measured
    ended = _ended(began, measured, "evaluate_seconds")
    _track(lambda: evaluation_record(restored_fingerprint(), ended), _restored)


def record() -> bool:
    """Make the run of the outputs in build/ where MLflow has none, so that a run that DVC restored is there too.

    Raises:
        AssayError: nothing was trained or evaluated here.
    """
    described = evaluation_record(restored_fingerprint())
    if mlflow_store.holds(mlflow_store.database(paths.home()), described):
        log.info("MLflow: run %s is there", described.name)
        return True
    return outbox.deliver(described, paths.home(), _restored)


def _restored() -> Record:
    return training_record(restored_fingerprint())


def _track(make: Callable[[], Record], training: Callable[[], Record] | None = None) -> None:
    try:
        made = make()
    except Exception as error:  # the stage's outputs stand, whatever is wrong with describing them
        log.debug("no record", exc_info=True)
        log.warning("Not tracked, outputs are complete: %s", outbox.reason(error))
        return
    outbox.deliver(made, paths.home(), training)


def _began() -> Stint:
    now = _milliseconds()
    return Stint(now, now, environment.commit())


def _ended(began: Stint, measured: Measured, seconds: str) -> Stint:
    end = _milliseconds()
    return replace(began, end=end, measured={seconds: (end - began.start) / 1000, **measured.values})


def _milliseconds() -> int:
    return int(time.time() * 1000)
