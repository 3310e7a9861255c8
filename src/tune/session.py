"""What `python -m src.tune` and the stage do once the parameters are known: search, report, confirm, apply."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna

from src.config import Params, parse
from src.core import console, nested, signals
from src.core.paths import PARAMS
from src.tracking.record import Trial
from src.tune import apply, overrides, pruner, sampler, study, study_fingerprint, study_tracking, upstream, winner
from src.tune.confirm import confirm_best
from src.tune.driver import Driver, Proposal, Stop
from src.tune.protocol import Executor
from src.tune.request import Request
from src.tune.space import Space
from src.tune.study import Search
from src.tune.study_progress import Progress, table
from src.tune.study_tracking import Reporter

log = logging.getLogger(__name__)


@dataclass
class Session:
    """One call: the parameters are read, the workers are already starting."""

    request: Request
    params: Params
    executor: Executor
    space: Space = field(init=False)
    content: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.space = Space.of(self.params)
        self.content = self.params.model_dump(mode="json")

    def run(self) -> None:
        """Run the study to its trials, and confirm the best of them.

        Raises:
            AssayError: anything that a person can mend.
            KeyboardInterrupt: asked for by Ctrl-C, after everything was put in order.
        """
        upstream.bring_up_to_date()
        request, tune = self.request, self.params.tune
        fingerprint = request.fingerprint or study_fingerprint.of(self.params)
        proposing = sampler.build(tune.sampler, self.params.seed)
        pruning = pruner.build(tune.pruner, self._most_epochs(self.params.train.epochs))
        with study.opened(request.name, tune.metric, fingerprint, proposing, pruning, url=request.url) as search:
            self._take_baseline(search)
            with study_tracking.reporting(search.study, self.params, request.found, request.confirmed) as reporter:
                stop = self._search(search, reporter)
                if stop.interrupted:
                    raise KeyboardInterrupt
                self._report(search)
                if request.confirm and search.view().complete():
                    reporter.outcome = confirm_best(self.params, search.view(), self.executor, request.confirmed)
                    self._apply(reporter.outcome)

    def _take_baseline(self, search: Search) -> None:
        """Start from what the study began with: --apply puts other values into params.yaml, and it goes on."""
        here = {name: nested.get(self.content, name) for name in self.space.entries}
        began = search.baseline(here)
        if dict(began) != here:
            values = ", ".join(f"{name} {overrides.canonical(value)}" for name, value in began.items())
            log.info("%s has changed since the study began; its baseline stays: %s", PARAMS, values)
            self.content = overrides.with_values(self.content, began)
            self.params = parse(self.content)

    def _most_epochs(self, epochs: int) -> int:
        entry = self.space.entries.get("train.epochs")
        if entry is None:
            return epochs
        return int(max(entry.choices)) if entry.choices else int(entry.high or epochs)

    def _search(self, search: Search, reporter: Reporter) -> Stop:
        total, already = self.request.trials, search.finished()
        if already >= total:
            console.say(f"study {search.name}: holds {already} finished trials, {total} were asked for")
            return Stop()
        seconds = float("inf") if self.request.minutes is None else self.request.minutes * 60
        stop, progress = Stop(time.monotonic() + seconds), Progress(search.view(), total)

        def on_trial_end(trial: Trial) -> None:
            progress.on_trial_end(trial)
            reporter.offer()

        with signals.noted(stop.pending, message="stopping at the next epoch; once more to stop at once"):
            driver = Driver(search, self.executor, self._propose, self.params.seed, total, stop, on_trial_end)
            try:
                driver.run()
            finally:
                progress.close()
        return stop

    def _propose(self, trial: optuna.Trial) -> Proposal:
        values = self.space.suggest(trial)
        params = overrides.with_values(self.content, values)
        return Proposal(values, params, overrides.key(params, self.params.seed))

    def _report(self, search: Search) -> None:
        """Tell the best trials, and write tables, figures and the page of them."""
        from src.tune import study_report  # with its figures comes scikit-learn, seconds that no search waits for

        finished, total, view = search.finished(), self.request.trials, search.view()
        if not view.ranked():
            console.say(f"study {search.name}: {finished} finished trials, none of them complete")
        else:
            rest = "" if finished >= total else " (the same command goes on)"
            head = f"study {search.name}: {finished} of {total} finished trials{rest}; the best on val:"
            console.say(f"\n{head}\n{table(view)}\n")
        whole = search.study if self.request.fingerprint is None else study.first(search.study, total)
        study_report.write(whole, self.params.seed, self.request.found)
        console.say(f"table, figures and a page of them: {self.request.found.folder}\n")

    def _apply(self, outcome: winner.Outcome) -> None:
        """Write the winner into params.yaml if that was asked for and it is ahead."""
        if outcome.winner is None or not outcome.ahead:
            console.say(winner.NOT_APPLIED)
        elif self.request.apply:
            console.say(apply.apply(PARAMS, outcome.winner.values, self.content) + f"\n{winner.NEXT}")
        else:
            console.say(f"the same command with --apply writes it into {PARAMS}; then: dvc repro")
