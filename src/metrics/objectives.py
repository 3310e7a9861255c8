"""The scores that trials are compared by: the direction of each, whether epochs report it, and the best epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from src.metrics import scores
from src.metrics.scores import EPOCH_SCORES, Direction

Row = Mapping[str, float]  # one epoch of a history: its number, scores and learning rate, by column name


@dataclass(frozen=True)
class Objective:
    """A score on val: its label in figures, and whether to maximize or minimize it.

    column: the column of an epoch's row by which a trial can be pruned: this score, or one that changes with it.
    same: whether that column is the score itself, so that it need not be computed after training.
    """

    label: str
    direction: Direction = "maximize"
    column: str | None = None
    same: bool = False


METRICS = {
    **{
        score.name: Objective(f"{score.label} on val", score.direction, score.epoch, same=score.name == "auc")
        for score in scores.METRICS
    },
    **{
        f"val_{name}": Objective(f"{label} on val", direction, f"val_{name}", same=True)
        for name, (label, direction) in EPOCH_SCORES.items()
    },
    "parameters": Objective("Parameters", "minimize"),
}


def direction(metric: str) -> Direction:
    """Return whether a metric is to be maximized or minimized.

    >>> direction("auc"), direction("parameters")
    ('maximize', 'minimize')
    """
    return METRICS[metric].direction


def watched(metrics: Sequence[str]) -> str | None:
    """Return the column of an epoch's row by which a trial can be pruned, or None: no such column, or two metrics.

    A pruner compares single numbers, so a study of two metrics is not pruned.
    """
    return METRICS[metrics[0]].column if len(metrics) == 1 else None


def better(metric: str, one: float, other: float) -> bool:
    """Return whether the first value of a metric is better than the second."""
    return one < other if direction(metric) == "minimize" else one > other


def best_epoch(rows: Sequence[Row]) -> int:
    """Return the epoch, counted from 1, with the lowest validation loss, the first one if there are several.

    Without a val part, and so without a validation loss, it is the last epoch. It is 0 if there are no epochs.

    >>> best_epoch([{"val_loss": 0.9}, {"val_loss": 0.5}, {"val_loss": 0.5}]), best_epoch([{"loss": 0.5}] * 3)
    (2, 3)
    """
    losses = [row["val_loss"] for row in rows if "val_loss" in row]
    return losses.index(min(losses)) + 1 if losses else len(rows)


def of_epoch(row: Row) -> dict[str, float]:
    """Return the scores of the model after this row's epoch that the training loop has already computed."""
    return {name: float(row[metric.column]) for name, metric in METRICS.items() if metric.same and metric.column}
