"""How far the ROC curve moves when other groups are drawn."""

import numpy as np

from src.evaluation.intervals import draw
from src.evaluation.ranking import rank
from src.evaluation.scored import Flags, Floats, Integers

STEPS = 101


def roc_band(
    positive: Flags, score: Floats, groups: Integers, confidence: float, resamples: int, random: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Give false positive rates (101,) and the bounds of the true positive rate at each, over resampled groups.

    Pointwise percentiles: at every false positive rate alone they hold what they promise, not for the whole curve.
    """
    grid = np.linspace(0, 1, STEPS)
    curves = []
    for weights in draw(groups, resamples, random):
        ranking = rank(positive, score, weights)
        for true, false in zip(ranking.true, ranking.false, strict=True):
            if true[-1] and false[-1]:
                curves.append(interpolate(grid, false / false[-1], true / true[-1]))
    low, high = np.quantile(curves, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return grid, low, high


def interpolate(grid: Floats, x: Floats, y: Floats) -> Floats:
    """Interpolate a curve from (0, 0); where it rises straight up, its upper end counts."""
    x, y = np.append(0.0, x), np.append(0.0, y)
    last = np.append(x[1:] != x[:-1], True)
    return np.asarray(np.interp(grid, x[last], y[last]), dtype=np.float64)
