"""The course of a training: one row an epoch, from which the best epoch and the end follow."""

import math
from collections.abc import Mapping, Sequence

from src.core import files
from src.core.paths import ModelFiles
from src.metrics.objectives import best_epoch
from src.metrics.scores import EPOCH_SCORES

COLUMNS = ("epoch", *EPOCH_SCORES, *(f"val_{name}" for name in EPOCH_SCORES), "learning_rate")
Row = Mapping[str, float]


def stops_early(rows: Sequence[Row], patience: int, start: int = 0) -> bool:
    """Early stopping: return whether `patience` epochs have passed since the best, those up to `start` apart.

    Never without a val part, where the best one is the last.
    """
    return bool(rows) and len(rows) - max(best_epoch(rows), start) >= patience


def write(rows: Sequence[Row], out: ModelFiles) -> None:
    """Write history.csv with a fixed number of decimals; scores of val are nan where there was no val part."""
    files.write_csv(
        out.history, COLUMNS, ([_cell(column, row.get(column, math.nan)) for column in COLUMNS] for row in rows)
    )


def line(rows: Sequence[Row], epochs: int) -> str:
    """Describe the last epoch: ``epoch 12/60 loss 0.61 val_loss 0.63 val_auc 0.71 best``."""
    row = rows[-1]
    scores = " ".join(f"{name} {row[name]:.4f}" for name in ("loss", "val_loss", "val_auc") if name in row)
    return f"epoch {len(rows)}/{epochs} {scores}{' best' if best_epoch(rows) == len(rows) else ''}"


def _cell(column: str, value: float) -> str:
    if column == "epoch":
        return str(int(value))
    return f"{value:.10f}" if column == "learning_rate" else f"{value:.6f}"
