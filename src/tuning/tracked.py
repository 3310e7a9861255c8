"""Tells tracking of a study, in the plain values that it takes."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from src.params import Params
from src.paths import Confirmed, Study
from src.tracking import studies
from src.tuning.seen import Trial, look

IDENTITY = "identity"


def study(
    found: optuna.Study,
    settings: Params,
    files: Sequence[Path] = (),
    *,
    best: Mapping[str, Any] | None = None,
    ended: bool = True,
) -> studies.Study:
    """Describe a study as far as it has come; `best` are the winner's parameters, else the best trial's.

    files: what the study wrote, kept once it has ended. Only the process that holds the study may call this: the study
    is given an identity where it has none.
    """
    if IDENTITY not in found.user_attrs:
        found.set_user_attr(IDENTITY, uuid.uuid4().hex)
    seen = look(found)
    leading = seen.front()[:1]
    return studies.Study(
        identity=found.user_attrs[IDENTITY],
        name=seen.name,
        settings=settings,
        goals=seen.goals,
        trials=[_trial(one) for one in seen.trials],
        best=best if best is not None else (leading[0].params if leading else {}),
        files={_kept(path): path for path in files} if ended else {},
        ended=ended,
    )


def _trial(one: Trial) -> studies.Trial:
    return studies.Trial(
        key=str(one.number),
        state=one.state,
        params=one.params,
        values=one.values,
        start=one.start,
        end=one.end,
        rows=one.rows,
        facts=one.facts,
        reason=one.reason,
        reused_from=one.reused_from,
    )


def written(found: Study, confirmed: Confirmed | None = None) -> list[Path]:
    """List what a study wrote, and what the winner is known from if there is one."""
    after = [confirmed.table, confirmed.best] if confirmed else []
    return [*sorted(found.figures.glob("*.png")), found.trials, found.page, *after]


def _kept(path: Path) -> str:
    return f"figures/{path.name}" if path.suffix == ".png" else path.name
