"""Reports a study to tracking while it runs and when it ends, in the plain values that it takes."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import optuna

from src.config import Params
from src.core.errors import AssayError
from src.core.paths import Confirmed, StudyFiles
from src.tracking import study_run
from src.tracking.record import Status
from src.tracking.study_run import Sender
from src.tune.trials_view import BASELINE, IDENTITY, view
from src.tune.winner import Outcome


class Reporter:
    """Keeps the runs of one study up to date during a block; what tracking lacks never costs a study.

    A study that is interrupted waits to be gone on with: its status is KILLED then, and FAILED after an error, until
    the same command goes on with it. One that comes to its end is reported with what stands in the folders `found` and,
    if there is an outcome, `confirmed`.
    """

    def __init__(self, study: optuna.Study, params: Params, found: StudyFiles, confirmed: Confirmed) -> None:
        self.study, self.params, self.places = study, params, (found, confirmed)
        self.sender, self.new = Sender(params), False
        self.outcome: Outcome | None = None

    def offer(self) -> None:
        """Send what there is, if it is time to."""
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
    """Describe a study as far as it has come; its winner over several seeds leads, else its best trial."""
    found = view(study)
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
    """List what a study wrote, and what the winner is known from if there is one, by the name among the artifacts."""
    files = [found.trials, found.page, *([confirmed.table, confirmed.best] if confirmed else [])]
    figures = {f"figures/{path.name}": path for path in sorted(found.figures.glob("*.png"))}
    return figures | {path.name: path for path in files}
