"""Confidence intervals by resampling whole groups.

Images of one patient are alike, so they are not so many independent observations: a resample draws groups with
replacement and takes all images of each (cluster bootstrap, percentile interval; Field and Welsh 2007,
https://doi.org/10.1111/j.1467-9868.2007.00593.x).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from src.metrics.curves import rank
from src.metrics.predictions import Flags, Floats, Integers, Scored
from src.metrics.scores import BY_NAME, Key, Measures, measure, values

ELEMENTS_AT_ONCE = 2_000_000  # weights in memory at a time: 16 MB
FEWEST_GROUPS = 2  # with one group, all resamples are identical
USABLE = 0.5  # an interval needs at least this fraction of the resamples
STEPS = 101
DECIMALS = 6  # in files


@dataclass(frozen=True)
class Estimate:
    """A score with its interval; the bounds are None where there are too few groups for them."""

    value: float
    low: float | None
    high: float | None
    skipped: int = 0  # resamples that the score could not be computed from

    def bounds(self) -> dict[str, float]:
        """Return value, and low and high where there are any, rounded to six decimals."""
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {name: round(value, DECIMALS) for name, value in named.items() if value is not None}

    def text(self, digits: int = 3) -> str:
        """Write the score with its interval.

        >>> Estimate(0.871, 0.834, 0.912).text(2), Estimate(0.5, None, None).text()
        ('0.87 (0.83 to 0.91)', '0.500')
        """
        value, *interval = (f"{each:.{digits}f}" for each in self.bounds().values())
        return value + (f" ({' to '.join(interval)})" if interval else "")


@dataclass(frozen=True)
class Estimates:
    """All scores of a part that can be computed, and how many resamples lacked at least one of them."""

    scores: dict[Key, Estimate]
    degenerate: int


def estimate(
    scored: Scored, decisions: Integers, confidence: float, resamples: int, random: np.random.Generator
) -> Estimates:
    """Compute every score of a part with its interval; a score that it does not give is left out."""
    known = values(scored, decisions)
    if scored.group_count < FEWEST_GROUPS:
        return Estimates({key: Estimate(value, None, None) for key, value in known.items()}, degenerate=0)
    drawn = resampled(scored, decisions, resamples, random)
    failed = np.isnan([drawn[key] for key in known]).any(axis=0) if known else np.zeros(resamples)
    support = {key: groups_behind(scored, key) for key in known}
    scores = {key: _interval(key, known[key], drawn[key], confidence, support[key], not scored.binary) for key in known}
    return Estimates(scores, int(failed.sum()))


def resampled(scored: Scored, decisions: Integers, resamples: int, random: np.random.Generator) -> Measures:
    """Compute every score (R,) of `resamples` samples of groups."""
    parts = [measure(scored, decisions, weights) for weights in draw(scored.groups, resamples, random)]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def draw(groups: Integers, resamples: int, random: np.random.Generator) -> Iterator[Floats]:
    """Yield weights (r, N), a few resamples at a time: how often the group (N,) of each image was drawn."""
    count = int(groups.max()) + 1
    at_once = max(1, ELEMENTS_AT_ONCE // max(count, len(groups)))
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        picks = random.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(picks.ravel(), minlength=size * count).reshape(size, count)
        yield times[:, groups].astype(np.float64)


def groups_behind(scored: Scored, key: Key) -> int:
    """Count the groups of what a score needs: of a class, of the others, or of the rarest class."""
    needs = BY_NAME[key[-1]].needs
    if needs == "images":
        return scored.group_count
    if key[0] == "classes":
        numbers = [scored.classes.index(key[1])]
    else:
        numbers = [1] if scored.binary and needs != "every class" else np.unique(scored.labels).tolist()
    positives = [len(np.unique(scored.groups[scored.labels == number])) for number in numbers]
    negatives = [len(np.unique(scored.groups[scored.labels != number])) for number in numbers]
    counts = {"negatives": negatives, "both": [*positives, *negatives]}.get(needs, positives)
    return min(counts, default=0)


def binomial(value: float, count: int, confidence: float) -> tuple[float, float] | None:
    """Return the exact interval of a share that is 0 or 1 of `count` independent cases; None for others.

    Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404.
    """
    if value not in (0.0, 1.0) or not count:
        return None
    bound = ((1 - confidence) / 2) ** (1 / count)
    return (0.0, 1 - bound) if value == 0 else (bound, 1.0)


def _interval(key: Key, value: float, drawn: Floats, confidence: float, support: int, many: bool) -> Estimate:
    """Return percentiles of the resamples or, if these do not differ, the binomial interval of a share over groups.

    With one group, or if all predictions are right or all wrong, every resample gives the same score.
    """
    usable = drawn[np.isfinite(drawn)]
    skipped = len(drawn) - len(usable)
    if support < FEWEST_GROUPS or (usable.size and np.ptp(usable) == 0):
        metric = BY_NAME[key[-1]]
        share = metric.share and not (many and metric.one_class and len(key) == 1)  # a mean over classes is none
        low, high = (binomial(value, support, confidence) if share else None) or (None, None)
        return Estimate(value, low, high, skipped)
    if len(usable) < USABLE * len(drawn):
        return Estimate(value, None, None, skipped)
    low, high = np.quantile(usable, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high), skipped)


def roc_band(
    positive: Flags, score: Floats, groups: Integers, confidence: float, resamples: int, random: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return false positive rates (101,) and the bounds of the true positive rate at each, over resampled groups.

    The percentiles are pointwise: they hold at each false positive rate alone, not for the whole curve.
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
