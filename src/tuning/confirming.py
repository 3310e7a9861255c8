"""The best trials trained again over several seeds, so that the winner is not the one that was lucky once.

The interval of a mean over seeds is Student's t interval: few values, and each seed is a training of its own. It says
how much the mean moves with chance in training; how much it moves with the images of val it does not say.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from src import files, seeds
from src.params import Tune
from src.tuning import scoring
from src.tuning.jobs import Executor, Failed, Finished, Job
from src.tuning.running import run_all
from src.tuning.settings import key, with_values

log = logging.getLogger(__name__)
PRESET = "preset"
Values = Mapping[str, Any]
Result = dict[str, Any]  # {"scores": {...}} or {"failed": reason}


@dataclass(frozen=True)
class Candidate:
    """Values of the search space that were found good, and the number of the trial that found them."""

    number: int
    values: Values
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Interval:
    """A mean with Student's t interval; the bounds are None for fewer than two values."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Confirmed:
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

    gain: winner less preset, seed by seed. beaten: whether the whole interval of the gain is on the better side.
    """

    metric: tuple[str, ...]
    seeds: tuple[int, ...]
    candidates: tuple[Confirmed, ...]
    preset: Confirmed
    winner: Confirmed | None
    gain: Interval | None
    beaten: bool

    def plain(self) -> dict[str, Any]:
        """Give everything as JSON holds it."""
        return asdict(self)


def candidates(content: Mapping[str, Any], finished: Sequence[Candidate]) -> list[Candidate]:
    """Choose the `confirm.top` best ones, the best first; of equal ones the earlier, and of the same training one.

    With two metrics those are chosen from that no other beats in both, by the first metric.
    """
    section = Tune.model_validate(content["tune"])
    distinct: dict[str, Candidate] = {}
    for candidate in sorted(finished, key=lambda candidate: candidate.number):
        distinct.setdefault(key(with_values(content, candidate.values), seed=0), candidate)
    rivals = list(distinct.values())
    if len(section.metric) > 1:
        rivals = [one for one in rivals if not any(_dominates(section.metric, other, one) for other in rivals)]
    sign = -1 if scoring.direction(section.metric[0]) == "maximize" else 1
    return sorted(rivals, key=lambda candidate: sign * candidate.scores[0])[: section.confirm.top]


def confirm(
    content: Mapping[str, Any],
    chosen: Sequence[Candidate],
    executor: Executor,
    store: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Train the chosen and the preset over the seeds, and tell the winner.

    content: the params file of the study, checked and complete; it also says seed, metric and how many seeds.
    store: a file that keeps the scores of every training that ended, from which an interrupted call is taken up.
    progress: gets how many of all trainings are done.
    """
    section = Tune.model_validate(content["tune"])
    chances = tuple(seeds.derive(content["seed"], "confirm", number) for number in range(section.confirm.seeds))
    rivals = {PRESET: content} | {f"trial {one.number}": with_values(content, one.values) for one in chosen}
    wanted = {key(rival, seed): (rival, seed) for rival in rivals.values() for seed in chances}
    known = _train(wanted, section, executor, store, progress)
    values: dict[str, Values] = {PRESET: {}} | {f"trial {one.number}": one.values for one in chosen}
    level = content["evaluate"]["confidence"]
    found = [
        _confirmed(name, values[name], [known[key(rival, seed)] for seed in chances], section.metric, level)
        for name, rival in rivals.items()
    ]
    return _outcome(section.metric, chances, found[0], found[1:], level)


def _train(
    wanted: Mapping[str, tuple[Mapping[str, Any], int]],
    section: Tune,
    executor: Executor,
    store: Path,
    progress: Callable[[int, int], None],
) -> dict[str, Result]:
    """Give the result of every wanted training by its key: kept ones as they are, the others after training."""
    kept = files.read_json(store) if store.is_file() else {}
    known: dict[str, Result] = {name: result for name, result in kept.items() if _usable(result, section)}
    missing = [name for name in wanted if name not in known]
    progress(len(wanted) - len(missing), len(wanted))

    def done(number: int, event: Finished | Failed) -> None:
        result: Result = {"failed": event.reason} if isinstance(event, Failed) else {"scores": _finite(event.scores)}
        if not _usable(result, section):
            result = {"failed": f"val does not tell {', '.join(section.metric)}"}
        known[missing[number]] = result
        files.write_json(store, known)
        progress(sum(name in known for name in wanted), len(wanted))

    run_all([Job(number, *wanted[name]) for number, name in enumerate(missing)], executor, done)
    return known


def _finite(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if math.isfinite(value)}


def _usable(result: Result, section: Tune) -> bool:
    """Tell whether a result holds what is asked for: another metric may have been asked for when it was kept."""
    return "failed" in result or set(section.metric) <= set(result["scores"])


def _confirmed(
    name: str, values: Values, results: Sequence[Result], metric: Sequence[str], confidence: float
) -> Confirmed:
    scores = {each: tuple(result.get("scores", {}).get(each) for result in results) for each in metric}
    reasons = tuple(result["failed"] for result in results if "failed" in result)
    means = {} if reasons else {each: interval(scores[each], confidence) for each in metric}
    return Confirmed(name, values, scores, means, reasons)


def _outcome(
    metric: tuple[str, ...],
    chances: tuple[int, ...],
    preset: Confirmed,
    rivals: Sequence[Confirmed],
    confidence: float,
) -> Outcome:
    first = metric[0]
    winner: Confirmed | None = None
    for rival in rivals:
        if rival.means and (winner is None or scoring.better(first, rival.means[first].mean, winner.means[first].mean)):
            winner = rival
    gain = None
    if winner and preset.means:
        pairs = zip(winner.scores[first], preset.scores[first], strict=True)
        gain = interval([one - other for one, other in pairs if one is not None and other is not None], confidence)
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


def _dominates(metric: Sequence[str], one: Candidate, other: Candidate) -> bool:
    """Tell whether one candidate is better in some metric and worse in none."""
    pairs = list(zip(metric, one.scores, other.scores, strict=True))
    return any(scoring.better(*pair) for pair in pairs) and not any(scoring.better(m, b, a) for m, a, b in pairs)
