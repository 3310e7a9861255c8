"""What `python -m src.tune` and the stage do once the parameters are known: search, report, confirm, apply."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna

from src.config import Params, parse
from src.core import nested, signals
from src.core.paths import PARAMS
from src.tracking.record import Trial
from src.tune import (
    apply,
    confirm,
    overrides,
    study,
    study_fingerprint,
    study_progress,
    study_tracking,
    tables,
    upstream,
    winner,
)
from src.tune import pruner as pruning
from src.tune import sampler as sampling
from src.tune.driver import Driver, Proposal, Stop
from src.tune.names import STUDIES
from src.tune.protocol import Executor
from src.tune.search_stage import Request
from src.tune.space import Space
from src.tune.study import Search
from src.tune.study_tracking import Reporter
from src.tune.winner import Outcome

log = logging.getLogger(__name__)


@dataclass
class Session:
    """One call: the parameters are read, the workers are already starting."""

    request: Request
    params: Params
    executor: Executor
    say: Callable[[str], None]
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
        about = request.about or study_fingerprint.of(self.params)
        sampler = sampling.build(tune.sampler, self.params.seed)
        pruner = pruning.build(tune.pruner, self._most_epochs(self.params.train.epochs))
        with study.opened(request.name, tune.metric, about, sampler, pruner, url=request.url) as search:
            self._take_baseline(search)
            with study_tracking.reporting(search.study, self.params, request.found, request.confirmed) as reporter:
                stop = self._search(search, reporter)
                if stop.interrupted:
                    raise KeyboardInterrupt
                self.say(self._found(search))
                self._write(search)
                if request.confirm:
                    reporter.outcome = self._confirm(search)

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
            self.say(f"study {search.name}: holds {already} finished trials, {total} were asked for")
            return Stop()
        seconds = float("inf") if self.request.minutes is None else self.request.minutes * 60
        stop = Stop(time.monotonic() + seconds)
        progress = study_progress.Progress(search.view(), total)
        callback = _Callback(progress, reporter)
        with signals.noted(stop.pending, message="stopping at the next epoch; once more to stop at once"):
            driver = Driver(search, self.executor, self._propose, self.params.seed, total, stop, callback)
            try:
                driver.run()
            finally:
                progress.close()
        return stop

    def _propose(self, trial: optuna.Trial) -> Proposal:
        values = self.space.suggest(trial)
        params = overrides.with_values(self.content, values)
        return Proposal(values, params, overrides.key(params, self.params.seed))

    def _found(self, search: Search) -> str:
        finished, total, view = search.finished(), self.request.trials, search.view()
        if not view.ranked():
            return f"study {search.name}: {finished} finished trials, none of them complete"
        rest = "" if finished >= total else " (the same command goes on)"
        head = f"study {search.name}: {finished} of {total} finished trials{rest}; the best on val:"
        return f"\n{head}\n{study_progress.table(view)}\n"

    def _write(self, search: Search) -> None:
        from src.tune import study_report  # with its figures comes scikit-learn, seconds that no search waits for

        whole = search.study if self.request.about is None else study.first(search.study, self.request.trials)
        study_report.write(whole, self.params.seed, self.request.found)
        self.say(f"table, figures and a page of them: {self.request.found.folder}\n")

    def _confirm(self, search: Search) -> Outcome | None:
        """Train the best ones over several seeds, name the winner and apply it if that was asked for."""
        trials = confirm.best_trials(self.params, search.view())
        if not trials:
            return None
        store = (
            STUDIES / search.name / f"{study_fingerprint.name('confirm', study_fingerprint.training(self.params))}.json"
        )
        found = confirm.confirm(self.params, trials, self.executor, store)
        tables.write_outcome(found, self.request.confirmed)
        self.say(winner.described(found))
        if found.winner is None or not found.ahead:
            self.say(winner.KEPT)
        elif self.request.apply:
            self.say(apply.apply(PARAMS, found.winner.values, self.content) + f"\n{winner.NEXT}")
        else:
            self.say(f"the same command with --apply writes it into {PARAMS}; then: dvc repro")
        return found


@dataclass
class _Callback:
    progress: study_progress.Progress
    reporter: Reporter

    def on_trial_end(self, trial: Trial) -> None:
        self.progress.on_trial_end(trial)
        self.reporter.offer()
