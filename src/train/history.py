"""The course of a training: one row an epoch, from which the best epoch and the end follow."""

import math
from collections.abc import Mapping, Sequence

from src.core import files
from src.core.paths import ModelFiles
from src.metrics.scores import EPOCH_SCORES

COLUMNS = ("epoch", *EPOCH_SCORES, *(f"val_{name}" for name in EPOCH_SCORES), "learning_rate")
Row = Mapping[str, float]


def best(rows: Sequence[Row]) -> int:
    """Return the epoch, counted from 1, with the lowest validation loss, the first one if there are several.

    Without a val part, and so without its scores, it is the last one: patience never ends such a training.
    """
    losses = [row["val_loss"] for row in rows if "val_loss" in row]
    return losses.index(min(losses)) + 1 if losses else len(rows)


def stops_early(rows: Sequence[Row], patience: int, start: int = 0) -> bool:
    """Early stopping: return whether `patience` epochs have passed since the best, those up to `start` apart."""
    return bool(rows) and len(rows) - max(best(rows), start) >= patience


def write(rows: Sequence[Row], out: ModelFiles) -> None:
    """Write history.csv with a fixed number of decimals; scores of val are nan where there was no val part."""
    files.write_csv(
        out.history, COLUMNS, ([_cell(column, row.get(column, math.nan)) for column in COLUMNS] for row in rows)
    )


def line(rows: Sequence[Row], epochs: int) -> str:
    """Describe the last epoch: ``epoch 12/60 loss 0.61 val_loss 0.63 val_auc 0.71 best``."""
    row = rows[-1]
    scores = " ".join(f"{name} {row[name]:.4f}" for name in ("loss", "val_loss", "val_auc") if name in row)
    return f"epoch {len(rows)}/{epochs} {scores}{' best' if best(rows) == len(rows) else ''}"


def _cell(column: str, value: float) -> str:
    if column == "epoch":
        return str(int(value))
    return f"{value:.10f}" if column == "learning_rate" else f"{value:.6f}"
