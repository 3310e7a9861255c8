"""A study in the plain values that tracking takes."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from src.params import Params
from src.tracking import studies
from src.tuning import showing
from src.tuning.study import FACTS, IDENTITY, REASON, REUSED, ROWS, VALUES, Search

STATES: dict[TrialState, studies.State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def tracked(
    search: Search,
    settings: Params,
    best: Mapping[str, Any] | None = None,
    files: Mapping[str, Path] | None = None,
    *,
    ended: bool,
) -> studies.Study:
    """Describe a study as far as it has come; best: the values that lead, else those of the best trial."""
    trials = search.trials(*STATES)
    leading = showing.best(trials, search.goal.metrics)
    if best is None:
        best = leading[0].user_attrs[VALUES] if leading else {}
    return studies.Study(
        identity=search.study.user_attrs[IDENTITY],
        name=search.name,
        settings=settings,
        goals=dict(zip(search.goal.metrics, search.goal.directions, strict=True)),
        trials=[_trial(trial, search.goal.metrics) for trial in trials],
        best=best,
        files=files or {},
        ended=ended,
    )


def _trial(trial: FrozenTrial, metrics: tuple[str, ...]) -> studies.Trial:
    attributes = trial.user_attrs
    complete = trial.state is TrialState.COMPLETE
    return studies.Trial(
        key=str(trial.number),
        state=STATES[trial.state],
        params=attributes.get(VALUES, trial.params),
        values=dict(zip(metrics, trial.values, strict=True)) if complete else {},
        start=_milliseconds(trial.datetime_start),
        end=_milliseconds(trial.datetime_complete),
        rows=attributes.get(ROWS, ()),
        facts=attributes.get(FACTS, {}),
        reason=attributes.get(REASON, ""),
        reused_from=attributes.get(REUSED),
    )


def _milliseconds(when: datetime | None) -> int:
    return round(when.timestamp() * 1000) if when else 0
