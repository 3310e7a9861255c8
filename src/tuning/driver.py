"""The driver: the one place that asks the study for values and tells it what they came to."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from optuna.trial import FrozenTrial, Trial, TrialState

from src.errors import AssayError
from src.tuning.jobs import TRIES, Epoch, Event, Executor, Failed, Finished, Job, Lost
from src.tuning.study import Search

log = logging.getLogger(__name__)
FIRST_FAILURES = 5  # of a study that has no finished trial yet
FAILURES = 10  # in a row
POLL = 0.5  # seconds until an interruption is seen


@dataclass(frozen=True)
class Proposal:
    """What a trial is to be trained with: values by dotted name, the whole params, and the key that they determine."""

    values: Mapping[str, Any]
    params: Mapping[str, Any]
    key: str


class Watch(Protocol):
    """Who is told how the search goes."""

    def told(self, trial: FrozenTrial) -> None:
        """Take note of a trial that has come to its end."""


@dataclass
class Open:
    """A trial that is being trained."""

    trial: Trial
    job: Job
    key: str
    losses: int = 0
    lags: bool = False
    twins: list[Trial] = field(default_factory=list)  # with the same values, waiting for what comes out


@dataclass
class Stop:
    """Asked for when the search should end before its time, at the next epoch of each trial."""

    deadline: float = float("inf")
    interrupted: bool = False

    def asked(self) -> bool:
        """Whether no more trials are to be started, and those running are to be put off."""
        return self.interrupted or time.monotonic() >= self.deadline


@dataclass
class Driver:
    """Keeps an executor busy until the study holds `total` finished trials."""

    search: Search
    executor: Executor
    propose: Callable[[Trial], Proposal]
    seed: int
    total: int
    stop: Stop
    watch: Watch
    open: dict[int, Open] = field(default_factory=dict)
    done: int = 0
    failures: int = 0

    def run(self) -> None:
        """Ask, hand out, tell; trials that are not finished when this ends are set back.

        Raises:
            AssayError: trial after trial fails, or the study cannot be written to.
        """
        self.done = len(self.search.finished())
        try:
            self._fill()
            while self.open or (self._lacking() > 0 and not self.stop.asked()):  # a cluster's workers may all be away
                event = self.executor.next(POLL)
                if event is not None:
                    self._take(event)
                if self.stop.asked():
                    self._take_back()
                self._fill()
        finally:
            self._set_back_the_rest()

    def _fill(self) -> None:
        """Hand out trials while there are free workers and the study lacks some."""
        while not self.stop.asked() and len(self.open) < self.executor.workers and self._lacking() > 0:
            self._start(self.search.ask())

    def _lacking(self) -> int:
        return self.total - self.done - sum(1 + len(each.twins) for each in self.open.values())

    def _start(self, trial: Trial) -> None:
        try:
            proposal = self.propose(trial)
        except AssayError as error:
            self._fail(trial, str(error))
            return
        self.search.remember(trial, proposal.values, proposal.key)
        if proposal.key in self.search.known:
            self._reuse(trial, self.search.known[proposal.key])
            return
        for other in self.open.values():
            if other.key == proposal.key:
                other.twins.append(trial)
                return
        self.open[trial.number] = Open(trial, Job(trial.number, proposal.params, self.seed), proposal.key)
        self.executor.submit(self.open[trial.number].job)

    def _take(self, event: Event) -> None:
        work = self.open.get(event.number)
        if work is None:
            return
        match event:
            case Epoch(row=row):
                lags = self.search.report(work.trial, int(row["epoch"]), row)
                last = row["epoch"] >= work.job.params["train"].get("epochs", float("inf"))  # nothing is left to save
                work.lags = lags and not last
                self.executor.answer(event.number, go_on=last or not (lags or self.stop.asked()))
            case Finished():
                del self.open[event.number]
                self._finish(work, event)
            case Failed(reason=reason):
                del self.open[event.number]
                for trial in (work.trial, *work.twins):
                    self._fail(trial, reason)
            case Lost(reason=reason):
                self._hand_out_again(work, reason)

    def _finish(self, work: Open, done: Finished) -> None:
        if done.stopped and not work.lags:
            self._set_back(work)
            return
        if done.stopped:
            self.search.prune(work.trial, done)
        else:
            self.search.complete(work.trial, done)
        self._count(work.trial)
        for twin in work.twins:
            self._reuse(twin, work.trial.number)

    def _hand_out_again(self, work: Open, reason: str) -> None:
        work.losses += 1
        if self.stop.asked():
            del self.open[work.job.number]
            self._set_back(work)
        elif work.losses >= TRIES:
            del self.open[work.job.number]
            for trial in (work.trial, *work.twins):
                self._fail(trial, f"given up after {work.losses} tries: {reason}")
        else:
            log.warning("trial %d: %s; it starts again", work.job.number, reason)
            work.lags = False
            self.executor.submit(work.job)

    def _reuse(self, trial: Trial, earlier: int) -> None:
        self.search.reuse(trial, earlier)
        log.info("trial %d: has the values of trial %d, which is not trained twice", trial.number, earlier)
        self._count(trial)

    def _count(self, trial: Trial) -> None:
        self.done += 1
        self.failures = 0
        self._show(trial)

    def _fail(self, trial: Trial, reason: str) -> None:
        self.search.fail(trial, reason)
        log.warning("trial %d failed: %s", trial.number, reason)
        self._show(trial)
        self.failures += 1
        if self.failures >= (FAILURES if self.done else FIRST_FAILURES):
            said = f"{self.failures} trials in a row failed; the last one, {trial.number}: {reason}"
            raise AssayError(f"study {self.search.name}: {said}")

    def _show(self, trial: Trial) -> None:
        self.watch.told(self.search.trials()[trial.number])

    def _take_back(self) -> None:
        """Set back the trials that nobody trains yet: their next epoch may be hours away."""
        for number in self.executor.take_back():
            self._set_back(self.open.pop(number))

    def _set_back(self, work: Open) -> None:
        for trial in (work.trial, *work.twins):
            self.search.set_back(trial.number)

    def _set_back_the_rest(self) -> None:
        """Leave no trial running; where that cannot be written, the next session does it."""
        with suppress(AssayError):
            for trial in self.search.trials(TrialState.RUNNING):
                self.search.set_back(trial.number)
        self.open.clear()
