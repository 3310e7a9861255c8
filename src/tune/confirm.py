"""Train the best trials again over several seeds, as a race: a trial that is clearly behind gets no further seeds.

The first seed is that of the search, whose trainings count as they are. The race has these rounds:

1. The baseline is trained with the first seed. Trials that are not better on this seed, which chose them, leave.
2. The best of the remaining trials and the baseline are trained with all seeds.
3. Each other trial is trained with one more seed at a time, and leaves once it is clearly behind the better of the two
   of round 2. Differences are paired: between trainings with the same seed, since a seed shifts all scores alike.
   The mean difference over `q` of `n` seeds deviates from that over all seeds by s * sqrt(1/q - 1/n), where s is the
   standard deviation of the difference between the two of round 2. A trial leaves if its lag exceeds Student's t times
   this deviation. So a trial that would have won leaves with a probability of at most LEAVES, which all trials share
   (Bonferroni).

Racing comes from Maron and Moore 1997 (doi:10.1023/A:1006556606079) and Birattari et al. 2002 (F-Race). Giving up what
can hardly win any more comes from Lan, Simon and Halperin 1982 (stochastic curtailing, doi:10.1080/07474948208836014).
"""

import json
import logging
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from src.config import Params
from src.config.overrides import key, short, with_values
from src.core import console, files, random_streams
from src.core.paths import Confirmed
from src.core.progress import about
from src.executors import training_inputs
from src.executors.protocol import Executor, Failed, Job
from src.executors.workers import run_all
from src.metrics.objectives import direction
from src.tracking.record import Trial
from src.tune.trials_view import BASELINE, TrialsView
from src.tune.winner import Candidate, Outcome, Result, Values, decide, described, write_outcome

log = logging.getLogger(__name__)
LEAVES = 0.2  # probability with which a trial that would have won may leave; benchmarks/racing.py measures the cost
SCRIPT = "winner.js"  # the study's page runs it: a page that is opened as a file can read no other file


def confirm_best(params: Params, view: TrialsView, executor: Executor, out: Confirmed) -> Outcome:
    """Race the best trials of a study and its baseline over the seeds; write who won, also to the page, and print it.

    params: the baseline, that is the parameters with which the study began.
    """
    store = training_inputs.folder("confirm", params) / "confirm.json"
    outcome = confirm(params, best_trials(params, view), executor, store)
    write_outcome(outcome, out)
    said = described(outcome)
    files.write_text(out.folder / SCRIPT, f"show({json.dumps(view.name)}, {json.dumps(said)})\n")
    console.say(said)
    return outcome


def best_trials(params: Params, view: TrialsView) -> list[Trial]:
    """Choose the `confirm.top` best trials, the best first, the earlier of equal ones first; the same training once.

    With two metrics, choose from the Pareto front, by the first metric.
    """
    content = params.model_dump(mode="json")
    distinct: dict[str, Trial] = {}
    for trial in view.complete():
        distinct.setdefault(key(with_values(content, trial.params), seed=0), trial)
    found = replace(view, trials=tuple(distinct.values()))
    if len(found.goals) > 1:
        found = replace(found, trials=tuple(found.front()))
    return found.ranked()[: params.tune.confirm.top]


def confirm(params: Params, trials: Sequence[Trial], executor: Executor, store: Path) -> Outcome:
    """Race trials, the best first, against the baseline, and name the winner.

    params: the baseline, with which the study began; it also gives the seed, the metric and the number of seeds.
    store: a file that caches the scores of every finished training. Scores alone decide the race, so an interrupted
    call continues from this file and comes to the same result.
    """
    race = Race(params, trials)
    kept: dict[str, Result] = files.read_json(store) if store.is_file() else {}
    race.known = {name: result for name, result in kept.items() if race.usable(result)} | race.known
    log.info("confirming: %s", race.remaining(executor.workers))

    for wanted in race.rounds():
        for name, result in _train(race, wanted, executor):
            kept[name] = race.known[name] = result
            files.write_json(store, kept)
            log.info("confirming: %s", race.remaining(executor.workers))
    return race.outcome(params.evaluate.confidence)


@dataclass
class Entrant:
    """The baseline, or a trial: its parameters, and for each seed the key of everything that determines its scores.

    trained: with how many of the seeds it is trained. left: why it is not trained with more.
    seconds: the duration of a training, if known.
    """

    name: str
    values: Values
    content: Mapping[str, Any]
    keys: tuple[str, ...]
    trained: int = 0
    left: str = ""
    seconds: float | None = None


class Race:
    """The rounds of a confirmation, decided by the known results of trainings, which are stored by key."""

    def __init__(self, params: Params, trials: Sequence[Trial]) -> None:
        self.metric, content = params.tune.metric, params.model_dump(mode="json")
        further = range(1, params.tune.confirm.seeds)
        self.seeds = (params.seed, *(random_streams.derive(params.seed, "confirm", place) for place in further))
        self.known: dict[str, Result] = {}
        self.baseline = self._entrant(BASELINE, content, {})
        self.trials = [self._entrant(f"trial {one.number}", content, one.params) for one in trials]
        for entrant, trial in zip(self.trials, trials, strict=True):
            entrant.trained, entrant.seconds = 1, trial.facts.get("seconds")
            self.known[entrant.keys[0]] = {"scores": dict(trial.values)}

    def _entrant(self, name: str, content: Mapping[str, Any], values: Values) -> Entrant:
        own = with_values(content, values)
        return Entrant(name, values, own, tuple(key(own, seed) for seed in self.seeds))

    def rounds(self) -> Iterator[list[Entrant]]:
        """Yield the entrants of each round, each to be trained with its first `trained` seeds."""
        count = len(self.seeds)
        yield self._with_seeds([self.baseline], 1)
        first = self._scores(self.baseline)
        for one in self.trials:
            if first and self._scores(one) <= first:
                self._leave(one, "not better than the baseline on the seed that chose it")
        running = [one for one in self.trials if not one.left]
        if not running:
            return
        pair, rivals = [*([self.baseline] if first else []), running[0]], running[1:]
        yield self._with_seeds(pair, count)
        for place in range(1, count):
            self._compare(rivals, pair, place)
            rivals = [one for one in rivals if not one.left and len(self._scores(one)) == place]
            yield self._with_seeds(rivals, place + 1)

    def _with_seeds(self, entrants: list[Entrant], count: int) -> list[Entrant]:
        for one in entrants:
            one.trained = count
        return entrants

    def _compare(self, rivals: Sequence[Entrant], pair: Sequence[Entrant], done: int) -> None:
        """Let rivals leave that are clearly behind after `done` seeds; none if a training of the pair failed."""
        from scipy.special import stdtrit  # imported here, since SciPy adds a second of start-up

        count, scores = len(self.seeds), {one.name: self._scores(one) for one in pair}
        if not rivals or len(pair) < 2 or min(map(len, scores.values())) < count:
            return
        spread = statistics.stdev(one - other for one, other in zip(*scores.values(), strict=True))
        best = max(scores, key=lambda name: statistics.fmean(scores[name]))
        quantile = float(stdtrit(count - 1, 1 - LEAVES / (len(self.trials) - 1)))
        limit = quantile * spread * math.sqrt(1 / done - 1 / count)
        for one in rivals:
            pairs = zip(scores[best], self._scores(one), strict=False)
            lag = statistics.fmean(ahead - behind for ahead, behind in pairs)
            if lag > limit:
                self._leave(one, f"{short(lag)} behind {best} after {done} of {count} seeds")

    def _leave(self, one: Entrant, reason: str) -> None:
        one.left = reason
        log.info("confirming: %s leaves: %s", one.name, reason)

    def _scores(self, one: Entrant) -> list[float]:
        """Return the first metric for each seed, signed so that higher is better, without failed trainings."""
        name, sign = self.metric[0], -1 if direction(self.metric[0]) == "minimize" else 1
        results = (self.known[each] for each in one.keys[: one.trained])
        return [sign * result["scores"][name] for result in results if "scores" in result]

    def usable(self, result: Result) -> bool:
        """True if a cached result has the metrics of this race: it may have been cached for another metric."""
        return "failed" in result or set(self.metric) <= set(result["scores"])

    def remaining(self, workers: int) -> str:
        """Describe how many trainings are left at most, and how long they take."""
        running = [one for one in (self.baseline, *self.trials) if not one.left]
        lacking = {name: one for one in running for name in one.keys if name not in self.known}
        known = [one.seconds for one in running if one.seconds is not None]
        if not known:
            return f"at most {len(lacking)} more trainings"
        usual = statistics.fmean(known)
        seconds = sum(usual if one.seconds is None else one.seconds for one in lacking.values()) / workers
        return f"at most {len(lacking)} more trainings, which take {about(seconds)}"

    def outcome(self, confidence: float) -> Outcome:
        """Return who won, from the trainings of the rounds."""
        baseline, *trials = (
            Candidate.of(one.name, one.values, [self.known[name] for name in one.keys[: one.trained]],
                         self.metric, confidence, one.left)
            for one in (self.baseline, *self.trials)
        )  # fmt: skip
        return decide(self.metric, self.seeds, baseline, trials, confidence)


def _train(race: Race, wanted: Sequence[Entrant], executor: Executor) -> Iterator[tuple[str, Result]]:
    """Train what is not yet known in a round, and yield the key and the result of each training as it arrives."""
    places = {one.keys[place]: (one, place) for one in wanted for place in range(one.trained)}
    missing = [(name, *found) for name, found in places.items() if name not in race.known]
    for event in run_all([Job(at, one.content, race.seeds[p]) for at, (_, one, p) in enumerate(missing)], executor):
        name, one, place = missing[event.number]
        if isinstance(event, Failed):
            result: Result = {"failed": event.reason}
        else:
            one.seconds = event.facts.get("seconds", one.seconds)
            result = {"scores": {score: value for score, value in event.scores.items() if math.isfinite(value)}}
            result = result if race.usable(result) else {"failed": f"not defined on val: {', '.join(race.metric)}"}
        said = result.get("failed") or f"{race.metric[0]} {short(result['scores'][race.metric[0]])}"
        log.info("confirming: %s, seed %d of %d: %s", one.name, place + 1, len(race.seeds), said)
        yield name, result
