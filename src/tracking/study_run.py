"""A study in plain values, how it becomes a record, and when it is sent."""

import json
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
from src.core.files import digest_of
from src.tracking import environment, mlflow_store, mlflow_writer, outbox, tags
from src.tracking.environment import Commit
from src.tracking.fingerprint import compute, digest
from src.tracking.record import LoggedDataset, LoggedMetric, Record, State, Status, Trial

log = logging.getLogger(__name__)
AGAIN = "python -m src.tune"
SHARE = 0.02  # of the time is spent on sending at most
FIRST = 60.0  # seconds before anything is sent


@dataclass(frozen=True)
class LoggedStudy:
    """A study as far as it has come. `identity` never changes; `goals` are minimize or maximize by objective.

    `leader` names the trial that leads, by its score or over several seeds, and `best` holds its parameters;
    `confirmed` are numbers of the trainings over several seeds. One that was interrupted is KILLED until it goes on.
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


@dataclass(frozen=True)
class Lineage:
    """What a study was made with and from, read when it begins."""

    commit: Commit
    tags: Mapping[str, str]
    dataset: LoggedDataset | None
    again: str = AGAIN

    @classmethod
    def read(cls, settings: Params, entry: str = "src/tune/__main__.py", again: str = AGAIN) -> "Lineage":
        """Read commit, user and data; what is missing is left out.

        `baseline.fingerprint` is that of the training in params.yaml, so that its run and its study find each other.
        """
        commit = environment.commit()
        origin = tags.origin(commit, "study", entry)
        try:
            fingerprint = compute("train")
            data = tags.dataset(fingerprint, settings, paths.SPLIT.parts)
        except (AssayError, OSError, ValueError, KeyError) as error:  # nothing that tracking lacks must cost a study
            log.warning("MLflow: the study's data are not described: %s", outbox.reason(error))
            return cls(commit, origin, None, again)
        known = {"baseline.fingerprint": fingerprint.sha256, **tags.describe(settings)}
        return cls(commit, origin | known, data, again)


def record(study: LoggedStudy, made: Lineage) -> Record:
    """Describe a study with its trials."""
    start = min((trial.start for trial in study.trials), default=0)
    end = max((trial.end for trial in study.trials), default=0)
    return Record(
        kind="study",
        fingerprint=study.identity,
        experiment=study.settings.track.experiment,
        name=study.name,
        start=start,
        end=end,
        status=study.status,
        key=_key(study),
        params=tags.values(study.settings, tune=True),
        tags={**made.tags, **_tags(study, made)},
        metrics=[*_course(study), *tags.once({**_counts(study), **study.confirmed}, end)],
        files={name: path for name, path in study.files.items() if path.is_file()},
        texts=tags.texts(made.commit) if study.status != "RUNNING" else {},
        dataset=made.dataset,
        trials=study.trials,
    )


def send(study: LoggedStudy, home: Path, made: Lineage | None = None) -> bool:
    """Update the runs of a study; where that fails it is kept until `python -m src.tracking send`."""
    return outbox.deliver(record(study, made or Lineage.read(study.settings)), home)


def _tags(study: LoggedStudy, made: Lineage) -> dict[str, str]:
    goals = ", ".join(f"{goal} {name}" for name, goal in study.goals.items())
    best = ", ".join(f"{key}: {tags.text(value)}" for key, value in study.best.items())
    what = f"trials: {goals} on val" if goals else "trainings, each scored on images that were held out of it"
    lines = [f"A study of {len(study.trials)} {what}."]
    lines += [tags.summary(study.settings, made.dataset)] if made.dataset else []
    lines += [f"{study.leader} leads: {best or 'no value differs'}"] if study.leader else []
    leader = {"study.leader": study.leader} if study.leader else {}
    return {"study.name": study.name, "study.goal": goals, **leader, **tags.note(made.commit, lines, made.again)}


def _course(study: LoggedStudy) -> list[LoggedMetric]:
    """Return the best value after each trial, by number of trials, for every objective."""
    found: list[LoggedMetric] = []
    for name, goal in study.goals.items():
        better, best = (max if goal == "maximize" else min), None
        for step, trial in enumerate(sorted(study.trials, key=lambda trial: trial.end), start=1):
            if trial.state == "complete" and name in trial.values:
                best = trial.values[name] if best is None else better(best, trial.values[name])
                found.append(LoggedMetric(mlflow_writer.metric_name(name), best, trial.end, step))
    return found


def _counts(study: LoggedStudy) -> dict[str, float]:
    states: list[str] = [trial.state for trial in study.trials]
    return {"trials": len(states), **{f"trials_{state}": states.count(state) for state in get_args(State)}}


def _key(study: LoggedStudy) -> str:
    """Name the state of a study: another key has something new to be sent."""
    files = {name: digest(path) for name, path in sorted(study.files.items()) if path.is_file()}
    best = {key: tags.text(value) for key, value in study.best.items()}
    state = [sorted(str(trial.number) for trial in study.trials), best, files, study.status]
    return digest_of(json.dumps(state))


class Sender:
    """Updates the runs of a study from time to time, in a thread, and at the end for good.

    A sending waits so long after the one before that all of them together take at most SHARE of the time. One that
    fails ends this, after one warning: then the whole study is sent, or kept, by `close`.
    """

    def __init__(self, home: Path, settings: Params, share: float = SHARE, first: float = FIRST) -> None:
        self._home = home
        self._lineage = Lineage.read(settings)
        self._share = share
        self._due = time.monotonic() + first
        self._thread: threading.Thread | None = None

    def offer(self, make: Callable[[], LoggedStudy]) -> bool:
        """Send the study in a thread if it is time to, and return whether it was."""
        if time.monotonic() < self._due or (self._thread and self._thread.is_alive()):
            return False
        self._thread = threading.Thread(target=self._send, args=(make(),), name="studies", daemon=True)
        self._thread.start()
        return True

    def close(self, study: LoggedStudy) -> bool:
        """Send the study as it stands now; where that fails keep it and log that once."""
        if self._thread:
            self._thread.join()
        return send(study, self._home, self._lineage)

    def _send(self, study: LoggedStudy) -> None:
        began = time.monotonic()
        try:
            with mlflow_store.connected(self._home) as client:
                outbox.write(client, record(study, self._lineage), self._home)
        except Exception as error:  # a server that is away must not cost a study
            log.debug("MLflow failed", exc_info=True)
            log.warning("MLflow: trials are sent when the study ends: %s", outbox.reason(error))
            self._due = float("inf")
            return
        ended = time.monotonic()
        self._due = ended + (ended - began) * (1 / self._share - 1)
