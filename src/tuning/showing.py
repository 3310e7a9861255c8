"""How a search goes, for the person who waits: a bar in a terminal, a line for each trial elsewhere."""

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from src.tuning import scoring
from src.tuning.study import FINISHED, REUSED, ROWS, VALUES, Search

log = logging.getLogger(__name__)
BEST = 5  # rows of the table
THOUSAND = 1000  # from which on a count is written out


class Progress:
    """Trials done, the best so far, the share of pruned ones, the time left."""

    def __init__(self, search: Search, total: int) -> None:
        self._metrics, self._total = search.goal.metrics, total
        self._finished = search.finished()
        self._before, self._started = len(self._finished), time.monotonic()
        bar = "{desc} {n}/{total} |{bar:20}| {elapsed}{postfix}"
        self._bar = tqdm(
            total=total, initial=min(self._before, total), desc="trials", file=sys.stderr, bar_format=bar,
            disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._around = ExitStack()
        if not self._bar.disable:
            self._around.enter_context(logging_redirect_tqdm())  # else a warning is written into the bar

    def told(self, trial: FrozenTrial) -> None:
        """Take note of a trial that has come to its end."""
        if trial.state not in FINISHED:
            return  # the driver has said why
        self._finished.append(trial)
        if self._bar.disable:
            log.info("trial %d: %s; %s", trial.number, outcome(trial, self._metrics), self.line())
        else:
            self._bar.n = len(self._finished)
            self._bar.set_postfix_str(self.line(done=False))

    def line(self, *, done: bool = True) -> str:
        """Say it all in a line."""
        parts = [f"{len(self._finished)} of {self._total} done"] if done else []
        leading = best(self._finished, self._metrics)
        if leading:
            parts.append(f"best {shown(leading[0].values)} (trial {leading[0].number})")
        pruned = sum(trial.state is TrialState.PRUNED for trial in self._finished)
        parts.append(f"{pruned / max(len(self._finished), 1):.0%} pruned")
        here = len(self._finished) - self._before
        if here:
            seconds = (time.monotonic() - self._started) / here * max(self._total - len(self._finished), 0)
            parts.append(f"{_duration(seconds)} left")
        return ", ".join(parts)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.close()
        self._around.close()


def best(trials: Sequence[FrozenTrial], metrics: Sequence[str]) -> list[FrozenTrial]:
    """Order the complete trials by the first metric, the best first, of equal ones the earlier; reused ones aside."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE and REUSED not in trial.user_attrs]
    sign = -1 if scoring.direction(metrics[0]) == "maximize" else 1
    return sorted(complete, key=lambda trial: (sign * trial.values[0], trial.number))


def table(trials: Sequence[FrozenTrial], metrics: Sequence[str]) -> str:
    """Give the best trials as lines of aligned columns."""
    leading = best(trials, metrics)[:BEST]
    names = list(dict.fromkeys(name for trial in leading for name in trial.user_attrs[VALUES]))
    rows = [["trial", *metrics, *names]]
    for trial in leading:
        values: Mapping[str, Any] = trial.user_attrs[VALUES]
        rows.append([str(trial.number), *map(short, trial.values), *(short(values.get(name, "-")) for name in names)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(padded)


def outcome(trial: FrozenTrial, metrics: Sequence[str]) -> str:
    """Say in words what a finished trial came to."""
    if trial.state is TrialState.PRUNED:
        return f"pruned after epoch {len(trial.user_attrs[ROWS])}"
    return ", ".join(f"{name} {short(value)}" for name, value in zip(metrics, trial.values, strict=True))


def shown(values: Sequence[float]) -> str:
    """Write the values of a trial."""
    return " and ".join(map(short, values))


def short(value: Any) -> str:
    """Write a value in few letters."""
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) >= THOUSAND else f"{value:.4g}"
    return f"[{', '.join(map(short, value))}]" if isinstance(value, list | tuple) else str(value)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" if minutes > 9 else f"{minutes} min {rest} s" if minutes else f"{rest} s"
