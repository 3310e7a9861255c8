"""Who won when the best trials were trained again over several seeds, and whether that is more than chance.

The interval of a mean over seeds is Student's t interval: few values, and each seed is a training of its own. It says
how much the mean moves with chance in training; how much it moves with the images of val it does not say. That of the
gain allows for the winner being the best of several, of which chance puts one ahead as well (Bonferroni's correction).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from src.tuning import scoring

Values = Mapping[str, Any]
Result = dict[str, Any]  # {"scores": {...}} or {"failed": reason}


@dataclass(frozen=True)
class Interval:
    """A mean with Student's t interval; the bounds are None for fewer than two values."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Rival:
    """A candidate, or the preset, over all seeds: each metric's values in the order of the seeds, and their means.

    reasons: why trainings failed; with one of them there is no mean.
    """

    name: str
    values: Values
    scores: Mapping[str, tuple[float | None, ...]]
    means: Mapping[str, Interval]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Who won by the mean of the first metric, beside the preset over the same seeds.

    gain: winner less preset, seed by seed, with an interval that holds for the best of all candidates. beaten: whether
    the whole interval is on the better side.
    """

    metric: tuple[str, ...]
    seeds: tuple[int, ...]
    candidates: tuple[Rival, ...]
    preset: Rival
    winner: Rival | None
    gain: Interval | None
    beaten: bool

    @property
    def ahead(self) -> bool:
        """Whether the winner's mean is better than the preset's, be it by chance."""
        return self.gain is not None and scoring.better(self.metric[0], self.gain.mean, 0.0)


def over_seeds(name: str, values: Values, results: Sequence[Result], metric: Sequence[str], confidence: float) -> Rival:
    """Put together what the trainings of one rival came to, in the order of the seeds."""
    scores = {each: tuple(result.get("scores", {}).get(each) for result in results) for each in metric}
    reasons = tuple(result["failed"] for result in results if "failed" in result)
    means = {} if reasons else {each: interval(scores[each], confidence) for each in metric}
    return Rival(name, values, scores, means, reasons)


def decide(
    metric: tuple[str, ...],
    chances: tuple[int, ...],
    preset: Rival,
    rivals: Sequence[Rival],
    confidence: float,
) -> Outcome:
    """Name the rival with the best mean of the first metric, of equal ones the first, and set it beside the preset."""
    first = metric[0]
    winner: Rival | None = None
    for rival in rivals:
        if rival.means and (winner is None or scoring.better(first, rival.means[first].mean, winner.means[first].mean)):
            winner = rival
    gain = None
    if winner and preset.means:
        pairs = zip(winner.scores[first], preset.scores[first], strict=True)
        gains = [one - other for one, other in pairs if one is not None and other is not None]
        gain = interval(gains, 1 - (1 - confidence) / len(rivals))
    bounds = () if gain is None or gain.low is None or gain.high is None else (gain.low, gain.high)
    beaten = bool(bounds) and all(scoring.better(first, bound, 0.0) for bound in bounds)
    return Outcome(metric, chances, tuple(rivals), preset, winner, gain, beaten)


def interval(values: Sequence[float], confidence: float) -> Interval:
    """Give the mean with Student's t interval; equal values give an interval of no width.

    >>> interval([0.5, 0.5, 0.5], 0.95)
    Interval(mean=0.5, low=0.5, high=0.5)
    """
    from scipy.special import stdtrit  # with SciPy comes a second of start-up

    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return Interval(mean, None, None)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * deviation / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)
