"""How a search goes, for the person who waits: a bar in a terminal, a line for each trial elsewhere."""

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
from src.tune.study import Search
from src.tune.trials_view import TrialsView

log = logging.getLogger(__name__)
BEST = 5  # rows of the table
BAR = "{desc} {n}/{total} |{bar:20}| {elapsed}{postfix}"


class Progress:
    """Trials done, the best so far, the share of pruned ones, the time left; shown during a block."""

    def __init__(self, search: Search, total: int) -> None:
        self._search, self._total = search, total
        self._before, self._started = search.finished(), time.monotonic()
        self._bar = tqdm(
            desc="trials", total=total, initial=min(self._before, total), bar_format=BAR, file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._around = ExitStack()

    def __enter__(self) -> Self:
        self._around.callback(self._bar.close)
        if not self._bar.disable:
            self._around.enter_context(logging_redirect_tqdm())  # else a warning is written into the bar
        return self

    def __exit__(self, *_: object) -> None:
        self._around.close()

    def on_trial_end(self, trial: Trial) -> None:
        """Take note of a trial that has come to its end."""
        if trial.state == "failed":
            return  # the driver has said why
        finished = self._search.finished()
        if self._bar.disable:
            done = f"{finished} of {self._total} done, {self._line(finished)}"
            log.info("trial %d: %s; %s", trial.number, result(trial), done)
        else:
            self._bar.n = finished
            self._bar.set_postfix_str(self._line(finished))

    def _line(self, finished: int) -> str:
        view, parts = self._search.view(), []
        if leading := view.ranked():
            values = " and ".join(map(short, leading[0].values.values()))
            parts.append(f"best {values} (trial {leading[0].number})")
        parts.append(f"{view.count('pruned') / max(finished, 1):.0%} pruned")
        if here := finished - self._before:
            seconds = (time.monotonic() - self._started) / here * max(self._total - finished, 0)
            parts.append(f"{about(seconds)} left")
        return ", ".join(parts)


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
