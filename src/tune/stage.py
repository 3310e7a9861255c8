"""The stages tune and confirm, and `python -m src.tune`: search, report, confirm the best, apply the winner."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import optuna

from src.config import Params, SpaceEntry, parse
from src.config.overrides import canonical, key, with_values
from src.core import console, nested, signals
from src.core.errors import AssayError
from src.core.paths import CONFIRMED, PARAMS, STUDIES, STUDY, Confirmed, StudyFiles
from src.executors import training_inputs
from src.executors.protocol import Executor
from src.executors.workers import Workers
from src.tracking import study_run
from src.tracking.record import Status, Trial
from src.tracking.study_run import Sender
from src.tune import pruner, sampler, space, study, trials_view, winner
from src.tune.confirm import confirm_best
from src.tune.driver import Driver, Proposal, Stop
from src.tune.storage import JOURNAL, open_storage
from src.tune.study import Search
from src.tune.study_progress import Progress, table
from src.tune.trials_view import BASELINE, IDENTITY
from src.tune.winner import Outcome

log = logging.getLogger(__name__)


def tune(params: Params) -> None:
    """Run the study of these inputs until it has `tune.trials` finished trials, and write the results.

    One worker trains, so that the same inputs give the same trials; the study is named by their fingerprint.

    Raises:
        AssayError: any error that the user can fix.
    """
    space.checked(params)
    training_inputs.bring_up_to_date()
    about = study.fingerprint(params)
    name = training_inputs.name("tune", about)
    with closing(Workers(threads=params.train.threads).start(STUDIES / name, Path.cwd())) as executor:
        Session(params, executor, name, params.tune.trials, about=about, confirm=False, of_stage=True).run()


def confirm(params: Params) -> None:
    """Race the best trials and the baseline over several seeds, and write who won.

    It needs only the outputs of the search, not the study, which may be on another machine.

    Raises:
        AssayError: any error that the user can fix.
    """
    training_inputs.bring_up_to_date()
    logs, view = training_inputs.folder("confirm", params), trials_view.read_candidates(STUDY, params.tune.metric)
    baseline = parse(with_values(params.model_dump(mode="json"), view.baseline))
    with _made_here(view.name) as made:  # durations are in no output, since they differ from run to run
        facts = {one.number: one.facts for one in trials_view.view(made).trials} if made else {}
    view = replace(view, trials=tuple(replace(one, facts=facts.get(one.number, {})) for one in view.trials))
    with closing(Workers(threads=params.train.threads).start(logs, Path.cwd())) as executor:
        outcome = confirm_best(baseline, view, executor, CONFIRMED)
    with _made_here(view.name) as made:
        if outcome.winner and made:
            Sender(baseline).close(describe(made, baseline, outcome=outcome, files=written(STUDY, CONFIRMED)))
        elif outcome.winner:
            log.info("MLflow: the winner is not logged, since the study was made elsewhere or cannot be opened")


@contextmanager
def _made_here(name: str) -> Iterator[optuna.Study | None]:
    """Open a study that was made on this machine; None if there is none, if another process holds it, or if damaged."""
    with ExitStack() as around:
        found: optuna.Study | None = None
        if (STUDIES / name / JOURNAL).is_file():
            with suppress(AssayError):
                storage = around.enter_context(open_storage(STUDIES / name))
                found = optuna.load_study(study_name=name, storage=storage)
        yield found


@dataclass
class Session:
    """One call: a study, how many finished trials it should have, and what follows; its workers are already starting.

    points: values to try first. about: the fingerprint of the study, if already known. of_stage: write the results to
    the outputs of the DVC stage, with no more than `trials` finished trials.
    """

    params: Params
    executor: Executor
    name: str
    trials: int
    minutes: int | None = None
    confirm: bool = True
    apply: bool = False
    points: Sequence[Mapping[str, Any]] = ()
    about: study.Fingerprint | None = None
    of_stage: bool = False

    def run(self) -> None:
        """Run the study until it has its trials, and confirm the best of them.

        Raises:
            AssayError: any error that the user can fix.
            KeyboardInterrupt: after Ctrl-C, once the unfinished trials are queued again.
        """
        training_inputs.bring_up_to_date()
        found, confirmed = StudyFiles(STUDIES / self.name), Confirmed(STUDIES / self.name)
        found = STUDY if self.of_stage else found
        tune, entries = self.params.tune, space.checked(self.params)
        entry, epochs = entries.get("train.epochs"), self.params.train.epochs
        pruning = pruner.build(tune.pruner, int(max(entry.choices or [entry.high or epochs])) if entry else epochs)
        proposing = sampler.build(tune.sampler, self.params.seed)
        about = self.about or study.fingerprint(self.params)
        with study.opened(self.name, tune.metric, about, proposing, pruning) as search:
            self._take_baseline(search)
            with Reporter(search.study, self.params, found, confirmed) as reporter:
                self._search(search, entries, reporter)
                self._report(search, found)
                if self.confirm and search.view().complete():
                    reporter.outcome = confirm_best(self.params, search.view(), self.executor, confirmed)
                    console.say(winner.from_file(confirmed.best, write=self.apply, told=True))

    def _take_baseline(self, search: Search) -> None:
        """Use the params with which the study began: --apply may have written other values into params.yaml since."""
        content = self.params.model_dump(mode="json")
        here = {name: nested.get(content, name) for name in self.params.tune.space}
        began = search.baseline(here)
        if dict(began) != here:
            values = ", ".join(f"{name} {canonical(value)}" for name, value in began.items())
            log.info("%s has changed since the study began; its baseline stays: %s", PARAMS, values)
            self.params = parse(with_values(content, began))

    def _search(self, search: Search, entries: Mapping[str, SpaceEntry], reporter: "Reporter") -> None:
        already = search.finished()
        if already >= self.trials:
            console.say(f"study {self.name}: holds {already} finished trials, {self.trials} were asked for")
            return
        seconds = float("inf") if self.minutes is None else self.minutes * 60
        stop, progress = Stop(time.monotonic() + seconds), Progress(search.view(), self.trials)
        content = self.params.model_dump(mode="json")

        def propose(trial: optuna.Trial) -> Proposal:
            values = space.suggest(trial, entries)
            params = with_values(content, values)
            return Proposal(values, params, key(params, self.params.seed))

        def on_trial_end(trial: Trial) -> None:
            progress.on_trial_end(trial)
            reporter.offer()

        for point in self.points:
            search.study.enqueue_trial(dict(point), skip_if_exists=True)
        with signals.noted(stop.pending, message="stopping at the next epoch; Ctrl-C again stops at once"), progress:
            Driver(search, self.executor, propose, self.params.seed, self.trials, stop, on_trial_end).run()
        if stop.interrupted:
            raise KeyboardInterrupt

    def _report(self, search: Search, found: StudyFiles) -> None:
        """Print the best trials, and write tables, figures and the page of them."""
        from src.tune import study_report  # its figures import scikit-learn, for seconds that no search should wait

        finished, view = search.finished(), search.view()
        if not view.ranked():
            console.say(f"study {self.name}: {finished} finished trials, none of them complete")
        else:
            rest = "" if finished >= self.trials else " (run the same command to continue)"
            head = f"study {self.name}: {finished} of {self.trials} finished trials{rest}; the best on val:"
            console.say(f"\n{head}\n{table(view)}\n")
        whole = study.first(search.study, self.trials) if self.of_stage else search.study
        study_report.write(whole, self.params.seed, found)
        console.say(f"table, figures and a page of them: {found.folder}\n")


class Reporter:
    """Keeps the MLflow runs of one study up to date during a block; a tracking failure never ends a study.

    The status of an interrupted study is KILLED, and FAILED after an error, until the same command continues it. If it
    runs to its end, it is reported with the files in the folders `found` and, if there is an outcome, `confirmed`.
    """

    def __init__(self, study: optuna.Study, params: Params, found: StudyFiles, confirmed: Confirmed) -> None:
        self.study, self.params, self.places = study, params, (found, confirmed)
        self.sender, self.new = Sender(params), False
        self.outcome: Outcome | None = None

    def offer(self) -> None:
        """Send the present state of the study, if it is time to."""
        self.new = True
        self.sender.offer(lambda: describe(self.study, self.params, "RUNNING"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind and not self.new:
            return
        found, confirmed = self.places
        status: Status = "FINISHED" if not kind else "KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED"
        with suppress(AssayError):  # a full disk has been reported already
            files = {} if kind else written(found, confirmed if self.outcome else None)
            self.sender.close(describe(self.study, self.params, status, self.outcome, files))


def describe(
    study: optuna.Study,
    params: Params,
    status: Status = "FINISHED",
    outcome: Outcome | None = None,
    files: Mapping[str, Path] | None = None,
) -> study_run.LoggedStudy:
    """Describe the present state of a study; its leader is the winner over several seeds, else its best trial."""
    found = trials_view.view(study)
    values, leader = next(((trial.params, f"trial {trial.number}") for trial in found.ranked()), ({}, ""))
    if outcome and outcome.winner:
        values, leader = outcome.winner.values, outcome.winner.name
    return study_run.LoggedStudy(
        identity=study.user_attrs[IDENTITY],
        name=found.name,
        settings=params,
        goals=found.goals,
        trials=found.trials,
        leader=leader,
        best=values,
        confirmed=_confirmed(outcome) if outcome else {},
        files=files or {},
        status=status,
    )


def _confirmed(outcome: Outcome) -> dict[str, float]:
    """Return the means over the seeds of baseline and winner, and the gain with the ends of its interval."""
    both = {BASELINE: outcome.baseline} | ({"winner": outcome.winner} if outcome.winner else {})
    found = {f"{who}_{name}": mean.mean for who, one in both.items() for name, mean in one.means.items()}
    if outcome.gain:
        ends = {"gain": outcome.gain.mean, "gain_low": outcome.gain.low, "gain_high": outcome.gain.high}
        found |= {f"{name}_{outcome.metric[0]}": value for name, value in ends.items() if value is not None}
    return found


def written(found: StudyFiles, confirmed: Confirmed | None = None) -> dict[str, Path]:
    """Return the files of a study, and those of its confirmation if there is one, by the names of the artifacts."""
    files = [found.trials, found.page, *([confirmed.table, confirmed.best] if confirmed else [])]
    figures = {f"figures/{path.name}": path for path in sorted(found.figures.glob("*.png"))}
    return figures | {path.name: path for path in files}
