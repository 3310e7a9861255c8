"""The progress of a search, for the person who waits: a bar in a terminal, otherwise a line for each trial."""

import logging
import sys
import time
from contextlib import ExitStack
from typing import Self

from tabulate import tabulate
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from src.config.overrides import short
from src.core.progress import about
from src.tracking.record import Trial
from src.tune.trials_view import TrialsView

log = logging.getLogger(__name__)
BEST = 5  # rows of the table
BAR = "{desc} {n}/{total} |{bar:20}| {elapsed}{postfix}"


class Progress:
    """Trials done, the best so far, the share of pruned ones, the time left; shown during a block.

    view: the trials that ended before; later ones are passed to `on_trial_end`.
    """

    def __init__(self, view: TrialsView, total: int) -> None:
        self._view, self._total, self._best = view, total, next(iter(view.ranked()), None)
        self._pruned, self._started = view.count("pruned"), time.monotonic()
        self._before = self._finished = len(view.complete()) + self._pruned
        self._bar = tqdm(
            desc="trials", total=total, initial=min(self._before, total), bar_format=BAR, file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._around = ExitStack()

    def __enter__(self) -> Self:
        self._around.callback(self._bar.close)
        if not self._bar.disable:
            self._around.enter_context(logging_redirect_tqdm())  # otherwise a warning would be written into the bar
        return self

    def __exit__(self, *_: object) -> None:
        self._around.close()

    def on_trial_end(self, trial: Trial) -> None:
        """Count a trial that has ended, and show the progress."""
        if trial.state == "failed":
            return  # the driver has logged the reason
        self._finished += 1
        self._pruned += trial.state == "pruned"
        if trial.state == "complete" and trial.reused_from is None:
            self._best = min(filter(None, (self._best, trial)), key=self._view.rank)
        if self._bar.disable:
            log.info(
                "trial %d: %s; %d of %d done, %s",
                trial.number,
                result(trial),
                self._finished,
                self._total,
                self._line(),
            )
        else:
            self._bar.n = self._finished
            self._bar.set_postfix_str(self._line())

    def _line(self) -> str:
        best = self._best
        parts = [f"best {' and '.join(map(short, best.values.values()))} (trial {best.number})"] if best else []
        parts.append(f"{self._pruned / self._finished:.0%} pruned")
        seconds = (time.monotonic() - self._started) / (self._finished - self._before)
        return ", ".join([*parts, f"{about(seconds * max(self._total - self._finished, 0))} left"])


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
