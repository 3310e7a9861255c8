"""A search over two parameters with trainings that take no time, to be run in this process or another one."""

import json
import queue
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from src.core import console, signals
from src.executors.local import LocalExecutor
from src.executors.protocol import Epoch, Event, Job, Row
from src.executors.worker import train_job
from src.tracking.record import Trial as Ended
from src.tune import pruner, sampler, study
from src.tune.driver import Driver, Proposal, Stop
from src.tune.study import Search
from tests import sections
from tests.executors.helpers_training import CHEAP, cheap

METRICS = ("auc",)
ABOUT = {"seed": 1, "tune.metric": ["auc"]}
ORDERLY = sections.pruner(name="median", startup_trials=3, warmup_epochs=1)


@dataclass
class Ends:
    """Keeps the trials that end."""

    trials: list[Ended] = field(default_factory=list)

    def on_trial_end(self, trial: Ended) -> None:
        self.trials.append(trial)


class ThreadExecutor:
    """Trains in threads of this process, which need no start-up, where the rule is about the driver."""

    def __init__(self, workers: int, home: Path) -> None:
        self.workers, self._home = workers, home
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._answers: dict[int, queue.SimpleQueue[bool]] = {}

    def submit(self, job: Job) -> None:
        self._answers[job.number] = queue.SimpleQueue()
        Thread(target=self._train, args=(job,), daemon=True).start()

    def _train(self, job: Job) -> None:
        def report(row: Row) -> bool:
            self._events.put(Epoch(job.number, row))
            return self._answers[job.number].get()

        self._events.put(train_job(cheap, job, report, self._home))

    def answer(self, number: int, *, go_on: bool) -> None:
        self._answers[number].put(go_on)

    def take_back(self) -> list[int]:
        return []

    def next(self, timeout: float) -> Event | None:
        with suppress(queue.Empty):
            return self._events.get(timeout=timeout)
        return None

    def close(self) -> None:
        for answers in self._answers.values():
            answers.put(False)


@contextmanager
def opened(home: Path, name: str = "s", about: Mapping[str, Any] = ABOUT, **options: Any) -> Iterator[Search]:
    proposing = sampler.build(sections.sampler(startup_trials=3), 1)
    pruning = pruner.build(options.pop("pruner", ORDERLY), 4)
    with study.opened(
        name, options.pop("metrics", METRICS), about, proposing, pruning, home / "studies", **options
    ) as it:
        yield it


def propose(trial: Trial, **more: Any) -> Proposal:
    values: dict[str, Any] = {"kind": trial.suggest_categorical("kind", ["a", "b"])}
    if values["kind"] == "b":
        values["z"] = trial.suggest_float("z", 0, 1)
    values["x"] = trial.suggest_float("x", 0, 1)
    return Proposal(values, {"train": {**values, **more}}, json.dumps(values))


def search(
    home: Path, total: int, workers: int = 1, stop: Stop | None = None, *, processes: bool = False, **options: Any
) -> Ends:
    """Bring a study to so many finished trials; processes: with real workers, as where one of them dies."""
    ends, more = Ends(), options.pop("train", {})
    made = options.pop("propose", lambda trial: propose(trial, **more))
    home.mkdir(exist_ok=True)
    local = partial(LocalExecutor, workers, 1, home / "studies" / "s", home, target=CHEAP)
    executor = options.pop("executor", None) or (local() if processes else ThreadExecutor(workers, home))
    try:
        with opened(home, **options) as found:
            Driver(found, executor, made, 1, total, stop or Stop(), ends.on_trial_end).run()
    finally:
        executor.close()
    return ends


def trials(home: Path, name: str = "s", **options: Any) -> list[FrozenTrial]:
    """Read a study without opening it for work."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(home / "studies" / name / "journal.log")))
    return optuna.load_study(study_name=name, storage=storage).trials


def states(home: Path, name: str = "s") -> dict[TrialState, int]:
    found = [trial.state for trial in trials(home, name)]
    return {state: found.count(state) for state in dict.fromkeys(found)}


def told(home: Path, name: str = "s") -> list[tuple[Any, ...]]:
    """Give what must be the same however often a study was interrupted."""
    return [
        (t.number, t.state, t.values, t.params, t.intermediate_values, t.user_attrs.get("rows"))
        for t in trials(home, name)
    ]


def main() -> None:
    """Run a search in a process that a test may kill: folder, total, workers, seconds an epoch."""
    home, total, workers, seconds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    stop = Stop()
    with signals.noted(stop.pending):
        search(home, total, workers, stop, processes=True, train={"seconds": seconds})
    if stop.interrupted:
        raise KeyboardInterrupt


if __name__ == "__main__":
    console.run(main)
