"""The best trials trained again over several seeds, so that the winner is not the one that was lucky once."""

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from src.config import Params
from src.core import console, files, random_streams
from src.core.errors import AssayError
from src.core.paths import Confirmed
from src.tracking.record import Trial
from src.tune import study_fingerprint
from src.tune.overrides import key, with_values
from src.tune.protocol import TRIES, Epoch, Executor, Failed, Finished, Job, Lost
from src.tune.request import STUDIES
from src.tune.study_tables import write_outcome
from src.tune.trials_view import TrialsView
from src.tune.winner import BASELINE, Outcome, Result, Values, decide, described, over_seeds

log = logging.getLogger(__name__)
POLL = 1.0  # seconds to wait for an event before looking again


def confirm_best(params: Params, view: TrialsView, executor: Executor, out: Confirmed) -> Outcome:
    """Train the best trials of a study and its baseline over the seeds, and write and tell who won.

    params: the baseline, what the study began with.
    """
    name = study_fingerprint.name("confirm", study_fingerprint.training(params))
    outcome = confirm(params, best_trials(params, view), executor, STUDIES / name / "confirm.json")
    write_outcome(outcome, out)
    console.say(described(outcome))
    return outcome


def best_trials(params: Params, view: TrialsView) -> list[Trial]:
    """Choose the `confirm.top` best trials, the best first; of equal ones the earlier, and of the same training one.

    With two metrics those are chosen from that no other beats in both, by the first metric.
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
    """Train trials and the baseline over the seeds, and name the winner.

    params: the baseline, what the study began with; it also says seed, metric and how many seeds.
    store: a file that keeps the scores of every training that ended, from which an interrupted call is taken up.
    """
    section, content = params.tune, params.model_dump(mode="json")
    drawn = tuple(random_streams.derive(params.seed, "confirm", number) for number in range(section.confirm.seeds))
    values: dict[str, Values] = {BASELINE: {}} | {f"trial {one.number}": one.params for one in trials}
    contents = {name: with_values(content, changed) for name, changed in values.items()}
    keys = {name: [key(each, seed) for seed in drawn] for name, each in contents.items()}
    jobs = {one: Job(0, contents[name], seed) for name in contents for one, seed in zip(keys[name], drawn, strict=True)}
    known = _train(jobs, section.metric, executor, store)
    level = params.evaluate.confidence
    baseline, *candidates = (
        over_seeds(name, values[name], [known[one] for one in keys[name]], section.metric, level) for name in contents
    )
    return decide(section.metric, drawn, baseline, candidates, level)


def _train(wanted: Mapping[str, Job], metric: Sequence[str], executor: Executor, store: Path) -> dict[str, Result]:
    """Return the result of every wanted training by its key: kept ones as they are, the others after training."""
    kept = files.read_json(store) if store.is_file() else {}
    known: dict[str, Result] = {name: result for name, result in kept.items() if _usable(result, metric)}
    missing = [name for name in wanted if name not in known]

    def progress() -> None:
        log.info("confirming: %d of %d trainings", sum(name in known for name in wanted), len(wanted))

    def done(number: int, event: Finished | Failed) -> None:
        result: Result = {"failed": event.reason} if isinstance(event, Failed) else {"scores": _finite(event.scores)}
        if not _usable(result, metric):
            result = {"failed": f"val does not tell {', '.join(metric)}"}
        known[missing[number]] = result
        files.write_json(store, known)
        progress()

    progress()
    run_all([replace(wanted[name], number=number) for number, name in enumerate(missing)], executor, done)
    return known


def _finite(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if math.isfinite(value)}


def _usable(result: Result, metric: Sequence[str]) -> bool:
    """Return whether a result holds what is asked for: another metric may have been asked for when it was kept."""
    return "failed" in result or set(metric) <= set(result["scores"])


def run_all(jobs: Sequence[Job], executor: Executor, done: Callable[[int, Finished | Failed], None]) -> None:
    """Run jobs of different numbers, as many at once as there are workers; each result is handed over as it comes.

    Raises:
        AssayError: a worker went away again and again, which says nothing about its training.
    """
    waiting = deque(jobs)
    running: dict[int, Job] = {}
    tries = dict.fromkeys((job.number for job in jobs), 0)
    while waiting or running:
        while waiting and len(running) < executor.workers:
            job = waiting.popleft()
            running[job.number] = job
            tries[job.number] += 1
            executor.submit(job)
        match executor.next(POLL):
            case Epoch(number=number):
                executor.answer(number, go_on=number in running)
            case Lost(number=number) if number in running and tries[number] < TRIES:
                waiting.appendleft(running.pop(number))
            case Lost(number=number, reason=reason) if number in running:
                raise AssayError(f"a training was begun {TRIES} times and its worker went away: {reason}")
            case Finished() | Failed() as event if event.number in running:
                del running[event.number]
                done(event.number, event)
