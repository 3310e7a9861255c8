"""The numbers behind the curves, as tables for `dvc plots`, which draws them for several experiments at once."""

from pathlib import Path

import numpy as np

from src.evaluate.figures.curves import precision_recall_points, roc_points
from src.evaluate.inputs import write_table
from src.evaluate.results import Results
from src.metrics.curves import Ranking, rank
from src.metrics.scored import Flags, Floats


def write(results: Results, folder: Path) -> None:
    """Write confusion.csv (a row per test image), roc.csv and precision_recall.csv (a row per corner).

    With more than two classes the curves are micro-averages: every class of every image is one decision.
    """
    names = results.test.classes
    pairs = zip(results.test.labels, results.decisions, strict=True)
    write_table(folder / "confusion.csv", ("actual", "predicted"), ((names[one], names[other]) for one, other in pairs))
    ranking = _pooled(results)
    for name, columns, points in (
        ("roc.csv", ("false_positive_rate", "true_positive_rate"), roc_points),
        ("precision_recall.csv", ("recall", "precision"), precision_recall_points),
    ):
        complete = ranking.true.any() and ranking.false.any()
        x, y = points(ranking) if complete else (np.zeros(0), np.zeros(0))
        kept = corners(x, y)
        write_table(folder / name, columns, zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def corners(x: Floats, y: Floats) -> Flags:
    """Return which points (N,) of a line are needed to draw it: the ends, and where it turns."""
    if len(x) < 3:
        return np.ones(len(x), dtype=np.bool_)
    dx, dy = np.diff(x), np.diff(y)
    turns = np.abs(dx[1:] * dy[:-1] - dy[1:] * dx[:-1]) > 1e-12
    return np.concatenate([[True], turns, [True]])


def _pooled(results: Results) -> Ranking:
    test = results.test
    columns = [1] if test.binary else range(len(test.classes))
    positive = np.concatenate([test.labels == column for column in columns])
    score = np.concatenate([test.probabilities[:, column] for column in columns])
    return rank(positive, score, np.ones((1, len(score))))
