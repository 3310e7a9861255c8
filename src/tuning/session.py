"""What `python -m src.tune` does once the parameters are known: search, tell, confirm, apply."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from src import paths
from src.params import Params, parse
from src.paths import PARAMS
from src.tuning import (
    applying,
    confirming,
    fingerprint,
    identity,
    inputs,
    interruption,
    pruning,
    sampling,
    scoring,
    settings,
    showing,
    study,
    tables,
    tracked,
    verdict,
)
from src.tuning.confirming import Candidate
from src.tuning.driver import Driver, Proposal, Stop
from src.tuning.fingerprint import Fingerprint
from src.tuning.jobs import Executor
from src.tuning.naming import STUDIES
from src.tuning.outcome import Outcome
from src.tuning.space import Space
from src.tuning.study import Goal, Search
from src.tuning.tracked import Teller

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a person asked for."""

    trials: int
    name: str
    minutes: float | None = None
    url: str | None = None
    confirm: bool = True
    apply: bool = False
    about: Fingerprint | None = None  # of the stage's study: its results then hold no more trials than asked for

    @property
    def found(self) -> paths.Study:
        """Where the results go: beside the study, or where DVC takes them from."""
        return paths.STUDY if self.about else paths.Study(STUDIES / self.name)

    @property
    def confirmed(self) -> paths.Confirmed:
        """Where the winner goes."""
        return paths.Confirmed(STUDIES / self.name)


@dataclass
class Session:
    """One call of the command: the parameters are read, the workers are already starting."""

    asked: Asked
    params: Params
    executor: Executor
    say: Callable[[str], None]
    space: Space = field(init=False)
    content: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.space = Space.of(self.params)
        self.content = self.params.model_dump(mode="json")

    def run(self) -> None:
        """Bring the study to its trials, and then the best of them to a winner.

        Raises:
            AssayError: anything that a person can mend.
            KeyboardInterrupt: asked for by Ctrl-C, after everything was put in order.
        """
        inputs.bring_up_to_date()
        about = self.asked.about or fingerprint.take(self.params, paths.PREPARED, paths.SPLIT)
        tune, epochs = self.params.tune, self.params.train.epochs
        goal = Goal(tune.metric, tuple(scoring.directions(tune)), scoring.followed(tune))
        sampler = sampling.build(tune.sampler, self.params.seed)
        pruner = pruning.build(tune.pruner, self._most_epochs(epochs))
        with study.opened(self.asked.name, goal, about, sampler, pruner, url=self.asked.url) as search:
            self._begin(search)
            with tracked.told(search.study, self.params, self.asked.found, self.asked.confirmed) as teller:
                stop = self._search(search, teller)
                if stop.interrupted:
                    raise KeyboardInterrupt
                self.say(self._found(search))
                self._write(search)
                if self.asked.confirm:
                    teller.outcome = self._confirm(search)

    def _begin(self, search: Search) -> None:
        """Take what is varied as the study found it: --apply puts other values there, and it goes on all the same."""
        here = {name: settings.value(self.content, name) for name in self.space.entries}
        began = search.began(here)
        if dict(began) != here:
            values = ", ".join(f"{name} {settings.canonical(value)}" for name, value in began.items())
            log.info("%s says something else by now than when the study began; its preset stays: %s", PARAMS, values)
            self.content = settings.with_values(self.content, began)
            self.params = parse(self.content)

    def _most_epochs(self, epochs: int) -> int:
        entry = self.space.entries.get("train.epochs")
        if entry is None:
            return epochs
        return int(max(entry.choices)) if entry.choices else int(entry.high or epochs)

    def _search(self, search: Search, teller: Teller) -> Stop:
        already = len(search.finished())
        if already >= self.asked.trials:
            self.say(f"study {search.name}: holds {already} finished trials, {self.asked.trials} were asked for")
            return Stop()
        seconds = float("inf") if self.asked.minutes is None else self.asked.minutes * 60
        stop = Stop(time.monotonic() + seconds)
        watch = _Watch(showing.Progress(search, self.asked.trials), teller)
        with interruption.handled(stop):
            driver = Driver(search, self.executor, self._propose, self.params.seed, self.asked.trials, stop, watch)
            try:
                driver.run()
            finally:
                watch.progress.close()
        return stop

    def _propose(self, trial: Trial) -> Proposal:
        values = self.space.suggest(trial)
        params = settings.with_values(self.content, values)
        return Proposal(values, params, settings.key(params, self.params.seed))

    def _found(self, search: Search) -> str:
        finished = search.finished()
        if not showing.best(finished, search.goal.metrics):
            return f"study {search.name}: {len(finished)} finished trials, none of them complete"
        rest = "" if len(finished) >= self.asked.trials else " (the same command goes on)"
        return (
            f"\nstudy {search.name}: {len(finished)} of {self.asked.trials} finished trials{rest}; the best on val:\n"
            f"{showing.table(finished, search.goal.metrics)}\n"
        )

    def _write(self, search: Search) -> None:
        from src.tuning import summary  # with its figures comes scikit-learn, seconds that no search waits for

        whole = search.study if self.asked.about is None else study.first(search.study, self.asked.trials)
        summary.write(whole, self.params.seed, self.asked.found)
        self.say(f"table, figures and a page of them: {self.asked.found.folder}\n")

    def _confirm(self, search: Search) -> Outcome | None:
        """Train the best ones over several seeds, tell the winner and apply it if that was asked for."""
        complete = search.trials(TrialState.COMPLETE)
        found = [Candidate(one.number, one.user_attrs[study.VALUES], tuple(one.values)) for one in complete]
        chosen = confirming.candidates(self.content, found)
        if not chosen:
            return None
        store = STUDIES / search.name / f"{identity.name('confirm', identity.training(self.params))}.json"
        outcome = confirming.confirm(self.content, chosen, self.executor, store, progress=verdict.log_progress)
        tables.write_outcome(outcome, self.asked.confirmed)
        self.say(verdict.judged(outcome))
        if outcome.winner is None or not outcome.ahead:
            self.say(verdict.KEPT)
        elif self.asked.apply:
            self.say(applying.apply(PARAMS, outcome.winner.values, self.content) + f"\n{verdict.NEXT}")
        else:
            self.say(f"the same command with --apply writes it into {PARAMS}; then: dvc repro")
        return outcome


@dataclass
class _Watch:
    progress: showing.Progress
    teller: Teller

    def told(self, trial: FrozenTrial) -> None:
        self.progress.told(trial)
        self.teller.offer()
