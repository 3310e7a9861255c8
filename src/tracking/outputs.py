"""Records of a training and of an evaluation, made from what the stages wrote."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src import params, paths
from src.errors import AssayError
from src.files import read_csv, read_json
from src.tracking import facts, lineage, surroundings
from src.tracking.lineage import Stint
from src.tracking.records import Model, Record
from src.tracking.trace import Trace, flat

LOCK = Path("dvc.lock")
UPSTREAM = ("download", "preprocess", "split", "train")  # DVC writes a stage's hashes only after it has run
SHORT = 8  # characters of a trace that people read
FORBIDDEN = re.compile(r"[^\w\-. :/]")  # in the name of a metric


def training(trace: Trace, stint: Stint | None = None) -> Record:
    """Describe the training in build/; without a stint it is one that DVC restored, and nobody knows when it ran."""
    when = stint or _now()
    settings = params.load()
    origin = "training" if stint else "outputs restored by DVC"
    epochs = read_csv(paths.MODEL.history)
    data = facts.describe(settings.dataset, settings.split, paths.SPLIT.parts)
    return Record(
        kind="train",
        trace=trace.trace,
        experiment=settings.track.experiment,
        name=f"{settings.model.name}-{trace.trace[:SHORT]}",
        start=when.start,
        end=when.end,
        fresh=stint is not None,
        params=lineage.values(settings),
        tags={**lineage.origin(when.commit, origin, "stages/train.py"), **lineage.code(trace), **data},
        metrics=[*lineage.history(epochs, when.start, when.end), *lineage.once(when.measured, when.end)],
        files=_present(_train_files()),
        texts=lineage.texts(when.commit),
        dataset=lineage.dataset(trace, settings, data),
        model=_model() if settings.track.model else None,
    )


def evaluation(trace: Trace, stint: Stint | None = None) -> Record:
    """Describe the evaluation in build/, a part of the run of the training that it looked at."""
    when = stint or _now()
    settings = params.load()
    scores = {**_scores(read_json(paths.EVALUATION.metrics)), **_audited(read_json(paths.SPLIT.audit))}
    return Record(
        kind="evaluate",
        trace=trace.trace,
        experiment=settings.track.experiment,
        name=f"{settings.model.name}-{trace.trace[:SHORT]}",
        start=when.start,
        end=when.end,
        fresh=stint is not None,
        params=lineage.values(settings),
        tags=facts.locked(LOCK, UPSTREAM),
        metrics=lineage.once({**scores, **when.measured}, when.end),
        files=_present(_evaluation_files()),
    )


def _train_files() -> dict[str, Path]:
    sheets = {"data/steps.png": paths.PREPARED.sheet, "data/pairs.png": paths.SPLIT.sheet}
    tables = {"data/audit.json": paths.SPLIT.audit, "data/rejected.csv": paths.PREPARED.rejected}
    model = {"history.csv": paths.MODEL.history, "trace.json": paths.MODEL.trace, "classes.json": paths.MODEL.classes}
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
    numbers = {key: value for key, value in flat(tree) if isinstance(value, int | float)}
    names = {key: FORBIDDEN.sub("_", key.removesuffix(".value").replace(".", "_")) for key in numbers}
    return {f"best_{name}" if name.startswith("val_") else name: float(numbers[key]) for key, name in names.items()}


def _audited(audit: Mapping[str, Any]) -> dict[str, float]:
    """Give the numbers of audit.json, which stand at its top: duplicates, shortcut_auc, ..."""
    return {key: float(value) for key, value in audit.items() if isinstance(value, int | float)}


def _model() -> Model:
    shape = np.load(paths.PREPARED.images, mmap_mode="r").shape[1:]
    return Model(paths.MODEL.model, surroundings.serving(), list(shape))


def unfit() -> str:
    """Say why build/ cannot be made a run by the code and the params.yaml that stand here now, or "" if it can."""
    from src.tracking import trace

    if missing := [path for path in (paths.MODEL.trace, paths.EVALUATION.metrics) if not path.is_file()]:
        return f"{missing[0]} is not there"
    if trace.compute("train").trace != restored_trace().trace:
        return "the model in build/ was trained with other code, data or params.yaml"
    if not trace.params_locked("evaluate", LOCK):
        return "the evaluation in build/ was made with other values of params.yaml"
    return ""


def _now() -> Stint:
    now = int(time.time() * 1000)
    return Stint(now, now, surroundings.commit())


def restored_trace() -> Trace:
    """Read the trace that the training in build/ left.

    Raises:
        AssayError: nothing was trained here.
    """
    from src.tracking import trace

    if not paths.MODEL.trace.is_file():
        raise AssayError(f"{paths.MODEL.trace}: not found; train with `dvc repro`")
    return trace.read(paths.MODEL.trace)
