"""A study as plain values, how it becomes a record, and when it is sent."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from src.config import Params
from src.core import paths
from src.core.errors import AssayError
from src.tracking import mlflow_store, outbox, run_description
from src.tracking.fingerprint import compute
from src.tracking.mlflow_writer import write
from src.tracking.record import LoggedDataset, Record, State, Status, Trial, metric_name, once, text

log = logging.getLogger(__name__)
SHARE = 0.02  # of the time, at most, is spent on sending
FIRST = 60.0  # seconds before anything is sent


@dataclass(frozen=True)
class LoggedStudy:
    """The current state of a study. `identity` never changes; `goals` maps each objective to minimize or maximize.

    `leader` names the leading trial, by its score or over several seeds, and `best` holds its parameters;
    `confirmed` holds numbers of the trainings over several seeds. An interrupted study is KILLED until it continues.
    """

    identity: str
    name: str
    settings: Params
    goals: Mapping[str, str]
    trials: Sequence[Trial]
    leader: str = ""
    best: Mapping[str, Any] = field(default_factory=dict)
    confirmed: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    status: Status = "FINISHED"


class Sender:
    """Updates the runs of a study from time to time in a thread, and a last time when it is closed.

    Commit, user and data are read when the sender is created; `entry` is the file of the command, `again` the command
    itself. The pauses between updates are so long that all updates together take at most SHARE of the time.
    If an update fails, there is one warning and no further update: `close` then sends, or keeps, the whole study.
    """

    def __init__(
        self,
        settings: Params,
        entry: str = "src/tune/__main__.py",
        again: str = "python -m src.tune",
        first: float = FIRST,
    ) -> None:
        self._home = paths.home()
        self._again = again
        self._commit = run_description.read_commit()
        self._tags = run_description.origin("study", entry, self._commit, settings)
        self._data: LoggedDataset | None = None
        try:
            fingerprint = compute("train")
            self._data = run_description.dataset(fingerprint, settings)
            # The fingerprint of the training in params.yaml, so that its run and this study can be matched.
            self._tags["baseline.fingerprint"] = fingerprint.sha256
        except (AssayError, OSError, ValueError, KeyError) as error:  # tracking must not cost a study
            log.warning("MLflow: the study's data are not described: %s", mlflow_store.reason(error))
        self._due = time.monotonic() + first
        self._thread: threading.Thread | None = None

    def offer(self, make: Callable[[], LoggedStudy]) -> bool:
        """Start sending the study in a thread if an update is due, and return whether it was."""
        if time.monotonic() < self._due or (self._thread and self._thread.is_alive()):
            return False
        self._thread = threading.Thread(target=self._send, args=(make(),), name="studies", daemon=True)
        self._thread.start()
        return True

    def close(self, study: LoggedStudy) -> bool:
        """Send the study as it is now, or keep it for `python -m src.tracking send`; return whether it was sent."""
        if self._thread:
            self._thread.join()
        return outbox.deliver([self._record(study)], self._home)

    def _send(self, study: LoggedStudy) -> None:
        began = time.monotonic()
        try:
            with mlflow_store.writing(self._home) as client:
                write(client, self._record(study), self._home)
        except AssayError as error:  # an unreachable server must not cost a study
            log.warning("MLflow: trials are sent when the study ends: %s", error)
            self._due = float("inf")
            return
        ended = time.monotonic()
        self._due = ended + (ended - began) * (1 / SHARE - 1)

    def _record(self, study: LoggedStudy) -> Record:
        end = max((trial.end for trial in study.trials), default=0)
        return Record(
            kind="study",
            fingerprint=study.identity,
            experiment=study.settings.track.experiment,
            name=study.name,
            start=min((trial.start for trial in study.trials), default=0),
            end=end,
            status=study.status,
            params=run_description.values(study.settings, tune=True),
            tags=self._tags | self._described(study),
            metrics=once({**_numbers(study), **study.confirmed}, end),
            files=study.files,
            texts=run_description.texts(self._commit) if study.status != "RUNNING" else {},
            dataset=self._data,
            trials=study.trials,
        )

    def _described(self, study: LoggedStudy) -> dict[str, str]:
        goals = ", ".join(f"{goal} {name}" for name, goal in study.goals.items())
        best = ", ".join(f"{key}: {text(value)}" for key, value in study.best.items())
        what = f"trials: {goals} on val" if goals else "trainings, each scored on images that were held out of it"
        lines = [f"A study of {len(study.trials)} {what}."]
        lines += [run_description.summary(study.settings, self._data)] if self._data else []
        lines += [f"{study.leader} leads: {best or 'no value differs'}"] if study.leader else []
        leader = {"study.leader": study.leader} if study.leader else {}
        told = run_description.note(lines, self._commit, self._again)
        return {"study.name": study.name, "study.goal": goals, **leader, **told}


def _numbers(study: LoggedStudy) -> dict[str, float]:
    """Return the best value of each objective (its course is among the figures) and the number of trials by state."""
    states: list[str] = [trial.state for trial in study.trials]
    found: dict[str, float] = {f"trials_{each}": states.count(each) for each in get_args(State)}
    found["trials"] = len(states)
    for name, goal in study.goals.items():
        values = [trial.values[name] for trial in study.trials if trial.state == "complete" and name in trial.values]
        if values:
            found[metric_name(name)] = max(values) if goal == "maximize" else min(values)
    return found
