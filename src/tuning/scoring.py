"""The scores that trials are compared by: which way is better, and which of them each epoch tells."""

from collections.abc import Mapping, Sequence

from src.evaluation.metrics import EPOCH_SCORES, METRICS, Direction
from src.params import Tune

SMALLER = {metric.name for metric in METRICS if metric.direction == "minimize"} | {"val_loss", "parameters"}
# The column of an epoch's row that follows a metric: the same score, or one that moves with it.
COLUMNS = {metric.name: metric.epoch for metric in METRICS if metric.epoch}
ROWS = tuple(f"val_{name}" for name in EPOCH_SCORES)
SAME = {"auc": "val_auc"}  # what the loop and evaluate compute alike


def direction(metric: str) -> Direction:
    """Tell whether more or less of a metric is better.

    >>> direction("auc"), direction("parameters")
    ('maximize', 'minimize')
    """
    return "minimize" if metric in SMALLER else "maximize"


def directions(section: Tune) -> list[Direction]:
    """Give the direction of each metric of the section."""
    return [direction(metric) for metric in section.metric]


def followed(section: Tune) -> str | None:
    """Name the column of an epoch's row by which a trial can be stopped early; None: none tells, or there are two.

    A pruner compares single numbers, so a study of two metrics is not pruned.
    """
    if len(section.metric) > 1:
        return None
    metric = section.metric[0]
    return metric if metric in ROWS else COLUMNS.get(metric)


def better(metric: str, one: float, other: float) -> bool:
    """Tell whether the first value of a metric beats the second."""
    return one < other if direction(metric) == "minimize" else one > other


def of_epochs(rows: Sequence[Mapping[str, float]], best: int) -> dict[str, float]:
    """Give the scores that the loop knows of the model as it was in its best epoch, counted from 1."""
    row = rows[best - 1]
    return {name: float(row[name]) for name in ROWS} | {name: float(row[column]) for name, column in SAME.items()}
