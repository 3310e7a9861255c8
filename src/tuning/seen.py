"""A study as tables and figures see it: its trials that have ended, in plain values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from src.tuning.space import decode
from src.tuning.study import BEGAN, FACTS, METRICS, REASON, REUSED, ROWS, VALUES

STATES: dict[TrialState, Literal["complete", "pruned", "failed"]] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Trial:
    """One trial that has ended. Params by dotted name; values by metric, of a pruned one the last that was seen.

    rows: its history, none for a trial that took over the values of another; start and end in ms since 1970.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    params: Mapping[str, Any]
    values: Mapping[str, float]
    rows: tuple[Mapping[str, float], ...]
    facts: Mapping[str, float]
    reason: str
    reused_from: int | None
    start: int
    end: int

    @property
    def best_epoch(self) -> int | None:
        """The epoch, counted from 1, with the lowest validation loss, whose weights were judged."""
        losses = [row.get("val_loss", math.inf) for row in self.rows]
        return losses.index(min(losses)) + 1 if losses else None


@dataclass(frozen=True)
class Seen:
    """The trials of a study by number, the goal of each metric, and what each parameter may be, in a steady order."""

    name: str
    goals: Mapping[str, Literal["maximize", "minimize"]]
    trials: tuple[Trial, ...]
    space: Mapping[str, BaseDistribution]
    began: Mapping[str, Any] = field(default_factory=dict)  # what the params file said of the space

    @property
    def metric(self) -> str:
        """The first metric."""
        return next(iter(self.goals))

    def having(self, state: str) -> list[Trial]:
        """Give the trials in a state that have a value of every metric."""
        return [one for one in self.trials if one.state == state and set(self.goals) <= set(one.values)]

    def front(self) -> list[Trial]:
        """Give the complete trials that no other beats in one metric without losing in another, by number.

        With one metric that is the best trial; of equal ones the first.
        """
        complete = self.having("complete")
        found = [one for one in complete if not any(self._beats(other, one) for other in complete)]
        return found if len(self.goals) > 1 else found[:1]

    def best(self) -> Trial | None:
        """Give the complete trial with the best first metric, of equal ones the first."""
        sign = 1 if self.goals[self.metric] == "maximize" else -1
        return max(self.having("complete"), key=lambda one: sign * one.values[self.metric], default=None)

    def _beats(self, one: Trial, other: Trial) -> bool:
        signs = {name: 1 if goal == "maximize" else -1 for name, goal in self.goals.items()}
        gains = [sign * (one.values[name] - other.values[name]) for name, sign in signs.items()]
        return min(gains) >= 0 and max(gains) > 0


def look(study: optuna.Study) -> Seen:
    """Read a study; what is waiting or running is left out."""
    goals: dict[str, Literal["maximize", "minimize"]] = {
        name: "minimize" if direction == optuna.study.StudyDirection.MINIMIZE else "maximize"
        for name, direction in zip(study.user_attrs[METRICS], study.directions, strict=True)
    }
    ended = study.get_trials(deepcopy=False, states=tuple(STATES))
    space = {name: found for one in ended for name, found in one.distributions.items()}
    trials = tuple(_trial(one, tuple(goals)) for one in ended)
    return Seen(study.study_name, goals, trials, space, study.user_attrs.get(BEGAN, {}))


def _trial(one: FrozenTrial, metrics: tuple[str, ...]) -> Trial:
    told = one.user_attrs
    state = STATES[one.state]
    values = dict(zip(metrics, one.values, strict=False)) if one.values and state != "failed" else {}
    reused = told.get(REUSED)
    return Trial(
        number=one.number,
        state=state,
        params=told.get(VALUES) or {name: decode(value) for name, value in one.params.items()},
        values={name: float(value) for name, value in values.items()},
        rows=() if reused is not None else tuple(told.get(ROWS, ())),
        facts=told.get(FACTS, {}),
        reason=str(told.get(REASON, "")),
        reused_from=reused,
        start=_milliseconds(one.datetime_start),
        end=_milliseconds(one.datetime_complete),
    )


def _milliseconds(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1000) if moment else 0
