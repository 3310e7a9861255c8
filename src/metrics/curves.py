"""ROC and precision-recall curves of weighted images, for many sets of weights at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.metrics.predictions import Flags, Floats


class Ranking(NamedTuple):
    """Total weight of the images at or above each distinct score.

    cuts: (U,) the distinct scores, in descending order. true: (R, U) weight of the positive images with at least that
    score. false: (R, U) the same for negative images.
    """

    cuts: Floats
    true: Floats
    false: Floats


def rank(positive: Flags, score: Floats, weights: Floats) -> Ranking:
    """Accumulate weights (R, N) over images in descending order of score (N,); images of equal score form one step."""
    order = np.argsort(-score, kind="stable")
    falling = score[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if score.size else np.array([], dtype=np.int64)
    sorted_weights = weights[:, order]
    true = np.cumsum(sorted_weights * positive[order], axis=1)[:, last]
    return Ranking(falling[last], true, np.cumsum(sorted_weights, axis=1)[:, last] - true)


def roc_auc(ranking: Ranking) -> Floats:
    """Return the area under the ROC curve (R,) by trapezoids, so ties count half; NaN if a class has no weight."""
    rises = np.diff(ranking.false, axis=1, prepend=0.0)
    middles = ranking.true - 0.5 * np.diff(ranking.true, axis=1, prepend=0.0)
    return divide((rises * middles).sum(axis=1), _total(ranking.true) * _total(ranking.false))


def area(positive: Flags, score: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve of labels (N,), true if positive, and scores (N,); ties count half.

    >>> area(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    return float(roc_auc(rank(positive, np.asarray(score, np.float64), np.ones((1, len(score)))))[0])


def average_precision(ranking: Ranking) -> Floats:
    """Return the precision averaged over the steps in recall (R,), without interpolation; NaN without positives."""
    steps = np.diff(ranking.true, axis=1, prepend=0.0)
    precision = divide(ranking.true, ranking.true + ranking.false, empty=0.0)
    return divide((steps * precision).sum(axis=1), _total(ranking.true))


def divide(above: Floats, below: Floats, empty: float = np.nan) -> Floats:
    """Divide element by element; the result is `empty` where the divisor is 0."""
    result = np.full(np.broadcast_shapes(above.shape, below.shape), empty, dtype=np.float64)
    return np.divide(above, below, out=result, where=below != 0)


def _total(cumulated: Floats) -> Floats:
    return cumulated[:, -1] if cumulated.shape[1] else np.zeros(len(cumulated))
