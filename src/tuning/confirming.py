"""The best trials trained again over several seeds, so that the winner is not the one that was lucky once."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src import files, seeds
from src.params import Tune
from src.tuning import scoring
from src.tuning.jobs import Executor, Failed, Finished, Job
from src.tuning.outcome import Outcome, Result, Values, decide, over_seeds
from src.tuning.running import run_all
from src.tuning.settings import key, with_values

PRESET = "preset"


@dataclass(frozen=True)
class Candidate:
    """Values of the search space that were found good, and the number of the trial that found them."""

    number: int
    values: Values
    scores: tuple[float, ...]


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
    values: dict[str, Values] = {PRESET: {}} | {f"trial {one.number}": one.values for one in chosen}
    contents = {name: with_values(content, changed) for name, changed in values.items()}
    wanted = {key(each, seed): (each, seed) for each in contents.values() for seed in chances}
    known = _train(wanted, section, executor, store, progress)
    level = content["evaluate"]["confidence"]
    preset, *rivals = (
        over_seeds(name, values[name], [known[key(each, seed)] for seed in chances], section.metric, level)
        for name, each in contents.items()
    )
    return decide(section.metric, chances, preset, rivals, level)


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


def _dominates(metric: Sequence[str], one: Candidate, other: Candidate) -> bool:
    """Tell whether one candidate is better in some metric and worse in none."""
    pairs = list(zip(metric, one.scores, other.scores, strict=True))
    return any(scoring.better(*pair) for pair in pairs) and not any(scoring.better(m, b, a) for m, a, b in pairs)
