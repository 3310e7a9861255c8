"""The classification report: precision, recall, F1 and number of images of each class, and their averages."""

from typing import NamedTuple

import numpy as np

from src.evaluation.metrics import confusion
from src.evaluation.ranking import divide
from src.evaluation.scored import Floats, Integers

COLUMNS = ("class", "precision", "recall", "f1", "support")


class Line(NamedTuple):
    """A line of the report; NaN where there is no image of the class."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def lines(labels: Integers, decisions: Integers, classes: tuple[str, ...]) -> list[Line]:
    """Give a line for each class, then their mean (macro) and their mean weighted by support.

    As scikit-learn's report with zero_division=0, but that classes without an image stay out of the averages.
    """
    counts = confusion(labels, decisions, len(classes)).astype(np.float64)
    hits, support, chosen = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    some = np.where(support > 0, 1.0, np.nan)
    precision = divide(hits, chosen, empty=0.0) * some
    scores = np.stack([precision, divide(hits, support), divide(2 * hits, support + chosen) * some], axis=1)
    rows: list[list[float]] = [row.tolist() for row in (*scores, _mean(scores, some), _mean(scores, support * some))]
    names = (*classes, "macro average", "weighted average")
    images = [*support.tolist(), support.sum(), support.sum()]
    return [Line(name, row[0], row[1], row[2], int(size)) for name, row, size in zip(names, rows, images, strict=True)]


def as_table(report: list[Line]) -> list[dict[str, object]]:
    """Give the lines as rows of a CSV file, with an empty field for NaN."""
    cells = [[line.name, *("" if np.isnan(value) else value for value in line[1:4]), line.support] for line in report]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


def _mean(scores: Floats, weights: Floats) -> Floats:
    """Average scores (K, 3) over the classes that have images."""
    return np.asarray(np.nansum(scores * weights[:, None], axis=0) / np.nansum(weights), dtype=np.float64)
