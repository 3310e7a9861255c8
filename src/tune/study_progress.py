"""How a search goes, for the person who waits: a bar in a terminal, a line for each trial elsewhere."""

import logging
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

from tabulate import tabulate
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from src.config.overrides import short
from src.tracking.record import Trial
from src.tune.trials_view import TrialsView

log = logging.getLogger(__name__)
BEST = 5  # rows of the table


class Progress:
    """Trials done, the best so far, the share of pruned ones, the time left."""

    def __init__(self, view: TrialsView, total: int) -> None:
        self._total = total
        self._view = replace(view, trials=tuple(trial for trial in view.trials if trial.state != "failed"))
        self._before, self._started = len(self._view.trials), time.monotonic()
        bar = "{desc} {n}/{total} |{bar:20}| {elapsed}{postfix}"
        self._bar = tqdm(
            total=total, initial=min(self._before, total), desc="trials", file=sys.stderr, bar_format=bar,
            disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._around = ExitStack()
        if not self._bar.disable:
            self._around.enter_context(logging_redirect_tqdm())  # else a warning is written into the bar

    def on_trial_end(self, trial: Trial) -> None:
        """Take note of a trial that has come to its end."""
        if trial.state == "failed":
            return  # the driver has said why
        self._view = replace(self._view, trials=(*self._view.trials, trial))
        if self._bar.disable:
            log.info("trial %d: %s; %s", trial.number, result(trial), self.line())
        else:
            self._bar.n = len(self._view.trials)
            self._bar.set_postfix_str(self.line(done=False))

    def line(self, *, done: bool = True) -> str:
        """Return the progress in one line."""
        finished = len(self._view.trials)
        parts = [f"{finished} of {self._total} done"] if done else []
        leading = self._view.ranked()
        if leading:
            values = " and ".join(map(short, leading[0].values.values()))
            parts.append(f"best {values} (trial {leading[0].number})")
        parts.append(f"{self._view.count('pruned') / max(finished, 1):.0%} pruned")
        here = finished - self._before
        if here:
            seconds = (time.monotonic() - self._started) / here * max(self._total - finished, 0)
            parts.append(f"{duration(seconds)} left")
        return ", ".join(parts)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.close()
        self._around.close()


def table(view: TrialsView) -> str:
    """Return the best trials as lines of aligned columns."""
    leading = view.ranked()[:BEST]
    names = list(dict.fromkeys(name for trial in leading for name in trial.params))
    rows = [
        [trial.number, *map(short, trial.values.values()), *(short(trial.params.get(name, "-")) for name in names)]
        for trial in leading
    ]
    return str(tabulate(rows, ["trial", *view.goals, *names], tablefmt="plain", disable_numparse=True))


def result(trial: Trial) -> str:
    """Return the result of a finished trial in words."""
    if trial.state == "pruned":
        return f"pruned after epoch {len(trial.rows)}" if trial.rows else "pruned as before"
    return ", ".join(f"{name} {short(value)}" for name, value in trial.values.items())


def duration(seconds: float) -> str:
    """Return a time in words.

    >>> duration(75), duration(3600)
    ('1 min 15 s', '60 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" if minutes > 9 else f"{minutes} min {rest} s" if minutes else f"{rest} s"
