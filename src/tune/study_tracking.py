"""Reports a study to tracking while it runs and when it ends, in the plain values that it takes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import optuna

from src.config import Params
from src.core import paths
from src.core.errors import AssayError
from src.core.paths import Confirmed, StudyFiles
from src.tracking import study_run
from src.tracking.record import Status
from src.tracking.study_run import Sender
from src.tune.study_tables import BASELINE
from src.tune.trials_view import IDENTITY, view
from src.tune.winner import Outcome


@dataclass
class Reporter:
    """Keeps the runs of one study up to date; what tracking lacks never costs a study."""

    study: optuna.Study
    params: Params
    found: StudyFiles
    confirmed: Confirmed
    sender: Sender
    outcome: Outcome | None = None
    new: bool = False

    def offer(self) -> None:
        """Send what there is, if it is time to."""
        self.new = True
        self.sender.offer(lambda: describe(self.study, self.params, "RUNNING"))

    def end(self, status: Status) -> None:
        """Send the rest."""
        with suppress(AssayError):  # a full disk has been reported already
            files = written(self.found, self.confirmed if self.outcome else None) if status == "FINISHED" else []
            self.sender.close(describe(self.study, self.params, status, self.outcome, files))


@contextmanager
def reporting(study: optuna.Study, params: Params, found: StudyFiles, confirmed: Confirmed) -> Iterator[Reporter]:
    """Report the study during the block; one that is interrupted leaves a study that waits to be gone on with.

    Its status is KILLED then, and FAILED after an error, until the same command goes on with it. One that comes to its
    end is reported with what stands in the folders `found` and, if there is an outcome, `confirmed`.
    """
    reporter = Reporter(study, params, found, confirmed, Sender(paths.home(), params))
    try:
        yield reporter
    except BaseException as error:
        if reporter.new:
            reporter.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    reporter.end("FINISHED")


def describe(
    study: optuna.Study,
    params: Params,
    status: Status = "FINISHED",
    outcome: Outcome | None = None,
    files: Sequence[Path] = (),
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
        files={_kept(path): path for path in files},
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


def written(found: StudyFiles, confirmed: Confirmed | None = None) -> list[Path]:
    """List what a study wrote, and what the winner is known from if there is one."""
    after = [confirmed.table, confirmed.best] if confirmed else []
    return [*sorted(found.figures.glob("*.png")), found.trials, found.page, *after]


def _kept(path: Path) -> str:
    return f"figures/{path.name}" if path.suffix == ".png" else path.name
