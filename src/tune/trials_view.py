"""The ended trials of a study in plain values, for tables and figures, and how they are read and written.

The same trials give the same tables: durations and times go to MLflow only.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from src.core import files
from src.core.errors import AssayError
from src.core.paths import StudyFiles
from src.metrics.objectives import direction
from src.metrics.scores import Direction
from src.tracking.record import State, Trial
from src.tune.space import decode

STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
BASELINE = "baseline"  # in candidates.json, confirm.csv, best.yaml and MLflow: the params that the study started from
# The names of our attributes in Optuna's storage: of a study, its fingerprint, metrics, identity and baseline; of a
# trial, its inputs and its results.
ABOUT, METRICS, IDENTITY, BEGAN = "about", "metrics", "identity", "began"
VALUES, KEY, REASON, REUSED = "values", "key", "reason", "reused_from"
ROWS, SCORES, FACTS = "rows", "scores", "facts"


@dataclass(frozen=True)
class TrialsView:
    """The trials of a study by number, the goal of each metric, and the range of each parameter, in a fixed order.

    baseline: the values of the varied parameters in params.yaml when the study began.
    """

    name: str
    goals: Mapping[str, Direction]
    trials: tuple[Trial, ...]
    space: Mapping[str, BaseDistribution] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The first metric."""
        return next(iter(self.goals))

    def count(self, state: State) -> int:
        """Count the trials in a state."""
        return sum(trial.state == state for trial in self.trials)

    def complete(self) -> list[Trial]:
        """Return the complete trials by number."""
        return [trial for trial in self.trials if trial.state == "complete"]

    def ranked(self) -> list[Trial]:
        """Return the complete trials by the first metric, best first; of equal ones the earlier first; none reused."""
        return sorted((trial for trial in self.complete() if trial.reused_from is None), key=self.rank)

    def rank(self, trial: Trial) -> tuple[float, int]:
        """Return the sort key of a trial: by the first metric, best first; of equal ones the earlier first."""
        sign = -1 if self.goals[self.metric] == "maximize" else 1
        return sign * trial.values.get(self.metric, 0.0), trial.number

    def front(self) -> list[Trial]:
        """Return the Pareto front by number: complete trials that none beats in one metric without loss in another."""
        complete = self.complete()
        return [trial for trial in complete if not any(self._dominates(other, trial) for other in complete)]

    def _dominates(self, one: Trial, other: Trial) -> bool:
        signs = {name: 1 if goal == "maximize" else -1 for name, goal in self.goals.items()}
        gains = [sign * (one.values[name] - other.values[name]) for name, sign in signs.items()]
        return min(gains) >= 0 and max(gains) > 0


def view(study: optuna.Study) -> TrialsView:
    """Read a study; trials that wait or run are left out."""
    goals: dict[str, Direction] = {
        name: "minimize" if towards == optuna.study.StudyDirection.MINIMIZE else "maximize"
        for name, towards in zip(study.user_attrs[METRICS], study.directions, strict=True)
    }
    ended = study.get_trials(deepcopy=False, states=tuple(STATES))
    space = {name: found for trial in ended for name, found in trial.distributions.items()}
    trials = tuple(record(trial, tuple(goals)) for trial in ended)
    return TrialsView(study.study_name, goals, trials, space, study.user_attrs.get(BEGAN, {}))


def record(trial: FrozenTrial, metrics: tuple[str, ...]) -> Trial:
    """Return a trial that has ended, converted from Optuna's storage."""
    kept = trial.user_attrs
    reused = kept.get(REUSED)
    values = dict(zip(metrics, trial.values, strict=False)) if trial.values else {}
    return Trial(
        number=trial.number,
        state=STATES[trial.state],
        params=kept.get(VALUES) or {name: decode(value) for name, value in trial.params.items()},
        values={name: float(value) for name, value in values.items()},
        rows=() if reused is not None else tuple(kept.get(ROWS, ())),
        facts=kept.get(FACTS, {}),
        reason=str(kept.get(REASON, "")),
        reused_from=reused,
        start=_milliseconds(trial.datetime_start),
        end=_milliseconds(trial.datetime_complete),
    )


def _milliseconds(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1000) if moment else 0


def write_trials(view: TrialsView, out: StudyFiles) -> None:
    """Write trials.csv: number, state, each metric, each parameter, epochs, best_epoch, reason, reused_from."""
    columns = ["number", "state", *view.goals, *view.space, "epochs", "best_epoch", "reason", "reused_from"]
    files.write_csv(out.trials, columns, (_row(trial, view) for trial in view.trials))


def write_candidates(view: TrialsView, out: StudyFiles) -> None:
    """Write candidates.json: the study's name, its baseline, and number, values and exact scores of complete trials."""
    trials = [{"number": one.number, "values": dict(one.params), "scores": [one.values[name] for name in view.goals]}
              for one in view.complete()]  # fmt: skip
    files.write_json(out.candidates, {"study": view.name, BASELINE: dict(view.baseline), "trials": trials})


def read_candidates(out: StudyFiles, metrics: Sequence[str]) -> TrialsView:
    """Read what `write_candidates` wrote.

    Raises:
        AssayError: the file is missing, or its scores do not match the metrics.
    """
    found = files.read_json(out.candidates)
    if any(len(one["scores"]) != len(metrics) for one in found["trials"]):
        raise AssayError(f"{out.candidates}: expected scores of {', '.join(metrics)}; run the search again")
    trials = tuple(
        Trial(one["number"], "complete", one["values"], dict(zip(metrics, one["scores"], strict=True)))
        for one in found["trials"]
    )
    goals = {metric: direction(metric) for metric in metrics}
    return TrialsView(found["study"], goals, trials, baseline=found[BASELINE])


def _row(trial: Trial, view: TrialsView) -> list[str]:
    cells: list[Any] = [trial.number, trial.state]
    cells += [trial.values.get(name) for name in view.goals]
    cells += [trial.params.get(name, "") for name in view.space]
    cells += [len(trial.rows) or None, trial.best_epoch, trial.reason, trial.reused_from]
    return [cell(value) for value in cells]


def cell(value: Any) -> str:
    """Format a value so that it can be read again, a float with eight significant digits."""
    match value:
        case None:
            return ""
        case bool() | list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return f"{value:.8g}"
        case _:
            return " ".join(str(value).splitlines())
