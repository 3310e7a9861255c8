"""The stages tune and confirm, and `python -m src.tune`: search, report, confirm the best, apply the winner."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import optuna

from src.config import Params, overrides, parse
from src.core import console, nested, signals
from src.core.errors import AssayError
from src.core.paths import CONFIRMED, PARAMS, STUDIES, STUDY, home
from src.executors import training_inputs
from src.executors.protocol import Executor
from src.executors.workers import start
from src.tracking import study_run
from src.tracking.record import Trial
from src.tune import apply, pruner, sampler, study, study_fingerprint, study_tracking, trials_view, winner
from src.tune.confirm import confirm_best
from src.tune.driver import Driver, Proposal, Stop
from src.tune.request import JOURNAL, Request
from src.tune.space import Space, something_to_vary
from src.tune.storage import open_storage
from src.tune.study import Search
from src.tune.study_progress import Progress, table
from src.tune.study_tracking import Reporter
from src.tune.trials_view import read_candidates

log = logging.getLogger(__name__)


def tune(params: Params) -> None:
    """Run the study of these inputs to `tune.trials` finished trials, and write what was found.

    One worker, so that the same inputs give the same trials, in a study named by them.

    Raises:
        AssayError: anything that a person can mend.
    """
    something_to_vary(params)
    training_inputs.bring_up_to_date()
    fingerprint = study_fingerprint.of(params)
    name = training_inputs.name("tune", fingerprint)
    request = Request(params.tune.trials, name, confirm=False, fingerprint=fingerprint)
    run(request, params, start(1, params.train.threads, STUDIES / name, Path.cwd()))


def confirm(params: Params) -> None:
    """Race the best trials and the baseline over several seeds, and write who won.

    It needs what the search wrote, and not the study, which another machine may have.

    Raises:
        AssayError: anything that a person can mend.
    """
    training_inputs.bring_up_to_date()
    logs, view = training_inputs.folder("confirm", params), read_candidates(STUDY, params.tune.metric)
    with closing(start(1, params.train.threads, logs, Path.cwd())) as executor:
        with _made_here(view.name) as made:  # durations stand in no output, since they are not the same each time
            facts = {one.number: one.facts for one in trials_view.view(made).trials} if made else {}
        view = replace(view, trials=tuple(replace(one, facts=facts.get(one.number, {})) for one in view.trials))
        baseline = parse(overrides.with_values(params.model_dump(mode="json"), view.baseline))
        outcome = confirm_best(baseline, view, executor, CONFIRMED)
    with _made_here(view.name) as made:
        if outcome.winner and made is None:
            log.info("MLflow: the study was made elsewhere, its run does not get the winner")
        elif outcome.winner and made:
            files = study_tracking.written(STUDY, CONFIRMED)
            study_run.send(study_tracking.describe(made, baseline, outcome=outcome, files=files), home())


def run(request: Request, params: Params, executor: Executor) -> None:
    """Search with an executor whose workers are starting already, do what else is asked for, and end them.

    Raises:
        AssayError: anything that a person can mend.
        KeyboardInterrupt: asked for by Ctrl-C, after everything was put in order.
    """
    with closing(executor):
        Session(request, params, executor).run()


class Session:
    """One call: the parameters are read, the workers are already starting."""

    def __init__(self, request: Request, params: Params, executor: Executor) -> None:
        self.request, self.params, self.executor = request, params, executor
        self.space, self.content = Space.of(params), params.model_dump(mode="json")

    def run(self) -> None:
        """Run the study to its trials, and confirm the best of them."""
        training_inputs.bring_up_to_date()
        request, tune = self.request, self.params.tune
        fingerprint = request.fingerprint or study_fingerprint.of(self.params)
        proposing = sampler.build(tune.sampler, self.params.seed)
        entry, epochs = self.space.entries.get("train.epochs"), self.params.train.epochs
        pruning = pruner.build(tune.pruner, int(max(entry.choices or [entry.high or epochs])) if entry else epochs)
        with study.opened(request.name, tune.metric, fingerprint, proposing, pruning, url=request.url) as search:
            self._take_baseline(search)
            with Reporter(search.study, self.params, request.found, request.confirmed) as reporter:
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

        for point in self.request.points:
            search.study.enqueue_trial(dict(point), skip_if_exists=True)
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


@contextmanager
def _made_here(name: str) -> Iterator[optuna.Study | None]:
    """Open a study that was made on this machine; None elsewhere, or while another process holds it."""
    with ExitStack() as around:
        found: optuna.Study | None = None
        if (STUDIES / name / JOURNAL).is_file():
            with suppress(AssayError):
                storage = around.enter_context(open_storage(name, STUDIES / name, None))
                found = optuna.load_study(study_name=name, storage=storage)
        yield found
