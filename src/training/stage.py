"""What the train stage does: read, fit, write."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from src import files, paths
from src.params import Model, Train
from src.training import data, history, saving
from src.training.fitting import Fitted, OnEpoch, fit


def train(
    prepared: paths.Prepared,
    split: paths.Split,
    out: paths.Model,
    model: Model,
    section: Train,
    seed: int,
    *,
    positive: str | None = None,
    checkpoints: Path | None = None,
    on_epoch: Sequence[OnEpoch] = (),
) -> Fitted:
    """Fit a model to the train part and write model.keras, classes.json and history.csv, the same for the same inputs.

    `checkpoints` is a folder of this training's own, kept after each epoch and removed when all is written.

    Raises:
        AssayError: the inputs do not fit together, or training failed; nothing is written then.
    """
    given = data.load(prepared, split, positive)
    fitted = fit(given, model, section, seed, checkpoints=checkpoints, on_epoch=on_epoch)
    saving.write(fitted.model, out.model)
    files.write_json(out.classes, list(given.classes))
    history.write(fitted.rows, out)
    if checkpoints:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return fitted
