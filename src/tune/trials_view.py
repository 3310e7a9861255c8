"""A study as tables and figures see it: its trials that have ended, in plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from src.metrics.scores import Direction
from src.tracking.record import State, Trial
from src.tune.space import decode

STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
# Under which names Optuna keeps what is ours: of a study, what it is about; of a trial, what it was made with and what
# came out of it.
ABOUT, METRICS, IDENTITY, BASELINE = "about", "metrics", "identity", "began"
VALUES, KEY, REASON, REUSED = "values", "key", "reason", "reused_from"
ROWS, SCORES, FACTS = "rows", "scores", "facts"


@dataclass(frozen=True)
class TrialsView:
    """The trials of a study by number, the goal of each metric, and what each parameter may be, in a steady order.

    baseline: the values that params.yaml had of what is varied when the study began.
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
        """Return the complete trials, the best first metric first, of equal ones the first; reused ones left out."""
        sign = -1 if self.goals[self.metric] == "maximize" else 1
        trained = [trial for trial in self.complete() if trial.reused_from is None]
        return sorted(trained, key=lambda trial: (sign * trial.values[self.metric], trial.number))

    def front(self) -> list[Trial]:
        """Return the complete trials that no other beats in one metric without losing in another, by number."""
        complete = self.complete()
        return [trial for trial in complete if not any(self._dominates(other, trial) for other in complete)]

    def _dominates(self, one: Trial, other: Trial) -> bool:
        signs = {name: 1 if goal == "maximize" else -1 for name, goal in self.goals.items()}
        gains = [sign * (one.values[name] - other.values[name]) for name, sign in signs.items()]
        return min(gains) >= 0 and max(gains) > 0


def view(study: optuna.Study) -> TrialsView:
    """Read a study; trials that wait or run are left out."""
    goals: dict[str, Direction] = {
        name: "minimize" if direction == optuna.study.StudyDirection.MINIMIZE else "maximize"
        for name, direction in zip(study.user_attrs[METRICS], study.directions, strict=True)
    }
    ended = study.get_trials(deepcopy=False, states=tuple(STATES))
    space = {name: found for trial in ended for name, found in trial.distributions.items()}
    trials = tuple(record(trial, tuple(goals)) for trial in ended)
    return TrialsView(study.study_name, goals, trials, space, study.user_attrs.get(BASELINE, {}))


def record(trial: FrozenTrial, metrics: tuple[str, ...]) -> Trial:
    """Return a trial that has ended, out of Optuna's storage."""
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
