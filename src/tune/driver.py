"""The driver: the only place that asks the study for values and tells it the results."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import TrialState

from src.core.errors import AssayError
from src.executors.protocol import TRIES, Epoch, Event, Executor, Failed, Finished, Job, Lost
from src.tracking.record import Trial
from src.tune.study import Search

log = logging.getLogger(__name__)
FIRST_FAILURES = 5  # in a row, before any trial has finished, that end the search
FAILURES = 10  # in a row, after that
POLL = 0.5  # seconds until an interrupt is noticed


@dataclass(frozen=True)
class Proposal:
    """What a trial is trained with: values by dotted name, the whole params, and the key that they determine."""

    values: Mapping[str, Any]
    params: Mapping[str, Any]
    key: str


@dataclass
class Running:
    """A trial that is being trained."""

    trial: optuna.Trial
    job: Job
    key: str
    losses: int = 0
    lags: bool = False
    twins: list[optuna.Trial] = field(default_factory=list)  # with the same values, waiting for the result


@dataclass
class Stop:
    """Tells whether the search should end early, at the next epoch of each trial: after Ctrl-C or at a deadline."""

    deadline: float = float("inf")
    pending: threading.Event = field(default_factory=threading.Event)

    @property
    def interrupted(self) -> bool:
        """True if Ctrl-C asked for the end."""
        return self.pending.is_set()

    def asked(self) -> bool:
        """True if no more trials should start, and the running ones should wait for the next session."""
        return self.interrupted or time.monotonic() >= self.deadline


@dataclass
class Driver:
    """Keeps an executor busy until the study holds `total` finished trials."""

    search: Search
    executor: Executor
    propose: Callable[[optuna.Trial], Proposal]
    seed: int
    total: int
    stop: Stop
    on_trial_end: Callable[[Trial], None]
    running: dict[int, Running] = field(default_factory=dict)
    done: int = 0
    failures: int = 0

    def run(self) -> None:
        """Ask for trials, have them trained, and tell the results; queue unfinished trials again at the end.

        Raises:
            AssayError: too many trials fail in a row, or the study cannot be written to.
        """
        self.done = self.search.finished()
        try:
            self._fill()
            while self.running or (self._lacking() > 0 and not self.stop.asked()):  # a cluster may have no workers
                event = self.executor.next(POLL)
                if event is not None:
                    self._take(event)
                if self.stop.asked():  # the next epoch of a job without a worker may be hours away
                    for number in self.executor.take_back():
                        self._set_back(self.running.pop(number))
                self._fill()
        finally:
            with suppress(AssayError):  # if that cannot be written, the next session does it
                for trial in self.search.trials(TrialState.RUNNING):
                    self.search.set_back(trial.number)
            self.running.clear()

    def _fill(self) -> None:
        """Start trials while there are free workers and the study needs more trials."""
        while not self.stop.asked() and len(self.running) < self.executor.workers and self._lacking() > 0:
            self._start(self.search.study.ask())

    def _lacking(self) -> int:
        return self.total - self.done - sum(1 + len(each.twins) for each in self.running.values())

    def _start(self, trial: optuna.Trial) -> None:
        try:
            proposal = self.propose(trial)
        except AssayError as error:
            self._fail(trial, str(error))
            return
        self.search.remember(trial, proposal.values, proposal.key)
        if proposal.key in self.search.known:
            self._reuse(trial, self.search.known[proposal.key])
            return
        if same := next((other for other in self.running.values() if other.key == proposal.key), None):
            same.twins.append(trial)
            return
        self.running[trial.number] = Running(trial, Job(trial.number, proposal.params, self.seed), proposal.key)
        self.executor.submit(self.running[trial.number].job)

    def _take(self, event: Event) -> None:
        work = self.running.get(event.number)
        if work is None:
            return
        match event:
            case Epoch(row=row):
                lags = self.search.report(work.trial, int(row["epoch"]), row)
                last = row["epoch"] >= work.job.params["train"].get("epochs", float("inf"))  # nothing is left to save
                work.lags = lags and not last
                self.executor.answer(event.number, go_on=last or not (lags or self.stop.asked()))
            case Finished():
                del self.running[event.number]
                self._finish(work, event)
            case Failed(reason=reason):
                self._give_up(work, reason)
            case Lost(reason=reason):
                self._hand_out_again(work, reason)

    def _finish(self, work: Running, done: Finished) -> None:
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

    def _hand_out_again(self, work: Running, reason: str) -> None:
        work.losses += 1
        if self.stop.asked():
            del self.running[work.job.number]
            self._set_back(work)
        elif work.losses >= TRIES:
            self._give_up(work, f"given up after {work.losses} tries: {reason}")
        else:
            log.warning("trial %d: %s; it starts again", work.job.number, reason)
            work.lags = False
            self.executor.submit(work.job)

    def _reuse(self, trial: optuna.Trial, earlier: int) -> None:
        self.search.reuse(trial, earlier)
        log.info("trial %d: has the values of trial %d, whose result is reused", trial.number, earlier)
        self._count(trial)

    def _count(self, trial: optuna.Trial) -> None:
        self.done += 1
        self.failures = 0
        self.on_trial_end(self.search.ended(trial.number))

    def _give_up(self, work: Running, reason: str) -> None:
        del self.running[work.job.number]
        for trial in (work.trial, *work.twins):
            self._fail(trial, reason)

    def _fail(self, trial: optuna.Trial, reason: str) -> None:
        self.search.fail(trial, reason)
        log.warning("trial %d failed: %s", trial.number, reason)
        self.on_trial_end(self.search.ended(trial.number))
        self.failures += 1
        if self.failures >= (FAILURES if self.done else FIRST_FAILURES):
            said = f"{self.failures} trials in a row failed; the last one, {trial.number}: {reason}"
            raise AssayError(f"study {self.search.name}: {said}")

    def _set_back(self, work: Running) -> None:
        for trial in (work.trial, *work.twins):
            self.search.set_back(trial.number)
