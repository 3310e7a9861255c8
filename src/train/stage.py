"""The train stage: load data, fit, write the history and a Keras file whose bytes depend only on the model."""

import json
import math
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.config import Model, Train
from src.core import files, paths
from src.metrics.objectives import Row
from src.metrics.scores import EPOCH_SCORES
from src.train import data
from src.train.loop import Fitted, OnEpoch, fit

import keras

COLUMNS = ("epoch", *EPOCH_SCORES, *(f"val_{name}" for name in EPOCH_SCORES), "learning_rate")  # columns of history.csv


def write(model: keras.Model, path: Path) -> None:
    """Save a model in the Keras format, without the date and memory addresses that Keras adds."""
    with files.replacing(path) as temporary:
        keras.saving.save_model(model, temporary)
        with zipfile.ZipFile(temporary) as archive:
            contents = {name: archive.read(name) for name in sorted(archive.namelist())}
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in contents.items():  # a new ZipInfo has the fixed date 1980-01-01
                archive.writestr(zipfile.ZipInfo(name), _canonical(content) if name.endswith(".json") else content)


def _canonical(content: bytes) -> bytes:
    return json.dumps(_without_traces(json.loads(content)), sort_keys=True).encode()


def _without_traces(value: Any) -> Any:
    """Drop the date, and the memory addresses as ids of shared objects: they are policies, equal if not shared."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if key not in ("date_saved", "shared_object_id")}
        return {key: _without_traces(inner) for key, inner in kept.items()}
    if isinstance(value, list):
        return [_without_traces(inner) for inner in value]
    return value


def write_history(rows: Sequence[Row], out: paths.ModelFiles) -> None:
    """Write history.csv with a fixed number of decimals; val scores are nan if there is no val part."""
    files.write_csv(
        out.history, COLUMNS, ([_cell(column, row.get(column, math.nan)) for column in COLUMNS] for row in rows)
    )


def _cell(column: str, value: float) -> str:
    if column == "epoch":
        return str(int(value))
    return f"{value:.10f}" if column == "learning_rate" else f"{value:.6f}"


def run(
    prepared: paths.Prepared,
    split: paths.SplitFiles,
    out: paths.ModelFiles,
    model: Model,
    section: Train,
    seed: int,
    *,
    positive: str | None = None,
    checkpoints: Path | None = None,
    on_epoch: Sequence[OnEpoch] = (),
) -> Fitted:
    """Fit a model to the train part and write model.keras, classes.json and history.csv; same inputs, same files.

    `checkpoints` is a folder for this training only: updated after each epoch, removed when all files are written.

    Raises:
        AssayError: the inputs do not match, or training failed; no file is written then.
    """
    given = data.load(prepared, split, positive)
    fitted = fit(given, model, section, seed, checkpoints=checkpoints, on_epoch=on_epoch)
    write(fitted.model, out.model)
    files.write_json(out.classes, list(given.classes))
    write_history(fitted.rows, out)
    if checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return fitted
