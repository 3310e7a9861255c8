"""The probability from which an image is predicted positive: chosen on val, used on test."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from src.metrics.curves import Ranking, divide, rank
from src.metrics.predictions import Flags, Floats

FALLBACK = 0.5
DECIMALS = 9  # enough to store the midpoint of two probabilities of eight decimals exactly


class ThresholdRule(NamedTuple):
    """What the threshold maximizes: in words, and as a function of a ranking that gives a value at each score."""

    largest: str
    gain: Callable[[Ranking], Floats]


class Threshold(NamedTuple):
    """The threshold, the rule that chose it, and a note for the reader, empty if there is nothing to say."""

    value: float
    rule: str
    note: str = ""


def choose(positive: Flags, score: Floats, rule: str | float) -> Threshold:
    """Choose the threshold from the labels (N,), true if positive, and the probabilities (N,) of the images of val.

    youden: the largest sensitivity + specificity - 1 (Youden 1950). f1: the largest F1. A number is used as it is.
    Candidates lie halfway between neighbouring scores; of equally good ones the one nearest to 0.5 is taken.
    """
    if not isinstance(rule, str):
        return Threshold(float(rule), "fixed")
    if len(np.unique(positive)) < 2:
        return Threshold(FALLBACK, "fallback", f"val holds images of one class only: {FALLBACK} instead of {rule}")
    ranking = rank(positive, score, np.ones((1, len(score))))
    if len(ranking.cuts) < 2:
        return Threshold(FALLBACK, "fallback", f"every image of val scores the same: {FALLBACK} instead of {rule}")
    gains = RULES[rule].gain(ranking)[:-1]
    halves = (ranking.cuts[:-1] + ranking.cuts[1:]) / 2
    best = halves[np.isclose(gains, gains.max(), rtol=0, atol=1e-12)]
    return Threshold(round(float(best[np.argmin(np.abs(best - FALLBACK))]), DECIMALS), rule)


def _youden(ranking: Ranking) -> Floats:
    true, false = ranking.true[0], ranking.false[0]
    return divide(true, true[-1:]) - divide(false, false[-1:])


def _f1(ranking: Ranking) -> Floats:
    true, false = ranking.true[0], ranking.false[0]
    return divide(2 * true, true[-1] + true + false)


RULES = {
    "youden": ThresholdRule("sensitivity + specificity", _youden),
    "f1": ThresholdRule("F1", _f1),
}
