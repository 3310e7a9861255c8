"""The numbers behind the curves, as tables for `dvc plots`, which draws them for several experiments at once."""

from pathlib import Path

import numpy as np

from src.evaluate.figures import precision_recall, roc
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
    rows = [{"actual": names[label], "predicted": names[decision]} for label, decision in pairs]
    write_table(folder / "confusion.csv", rows, ("actual", "predicted"))
    ranking = _pooled(results)
    complete = bool(ranking.true.any() and ranking.false.any())
    _curve(folder / "roc.csv", ("false_positive_rate", "true_positive_rate"), roc.points(ranking) if complete else None)
    recall = precision_recall.points(ranking) if complete else None
    _curve(folder / "precision_recall.csv", ("recall", "precision"), recall)


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


def _curve(path: Path, columns: tuple[str, str], points: tuple[Floats, Floats] | None) -> None:
    x, y = points if points else (np.zeros(0), np.zeros(0))
    kept = corners(x, y)
    rows = [dict(zip(columns, pair, strict=True)) for pair in zip(x[kept].tolist(), y[kept].tolist(), strict=True)]
    write_table(path, rows, columns)
