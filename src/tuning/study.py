"""A study: Optuna's trials, kept so that whatever is killed, the same command goes on from there."""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from src.errors import AssayError
from src.evaluation.metrics import Direction
from src.tuning import fingerprint, storing
from src.tuning.fingerprint import Fingerprint
from src.tuning.jobs import Finished
from src.tuning.naming import STUDIES, check_name

log = logging.getLogger(__name__)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
OPEN = (TrialState.RUNNING, TrialState.WAITING)
# User attributes: of the study, what it is about; of a trial, what it was made with and what came out.
ABOUT, METRICS, IDENTITY, BEGAN = "about", "metrics", "identity", "began"
VALUES, KEY, REASON, REUSED = "values", "key", "reason", "reused_from"
ROWS, SCORES, FACTS = "rows", "scores", "facts"


@dataclass(frozen=True)
class Goal:
    """The metrics that trials are compared by, in which directions, and the column that is watched for pruning."""

    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    watched: str | None = None


@dataclass
class Search:
    """An open study; the process that holds it is the only one that asks and tells."""

    name: str
    study: optuna.Study
    storage: BaseStorage
    goal: Goal
    known: dict[str, int] = field(default_factory=dict)  # by key: the trial that was trained with it

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Give the trials in these states, or all of them, by number."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def finished(self) -> list[FrozenTrial]:
        """Give the trials that came to an end, complete or pruned; reused values count."""
        return self.trials(*FINISHED)

    def began(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give what the params file said of the space when the study began, which is now if nothing was kept."""
        if BEGAN not in self.study.user_attrs:
            self.study.set_user_attr(BEGAN, dict(values))
        found: Mapping[str, Any] = self.study.user_attrs[BEGAN]
        return found

    def ask(self) -> Trial:
        """Give a trial to work on: one that was set back, else a new one."""
        return self.study.ask()

    def remember(self, trial: Trial, values: Mapping[str, Any], key: str) -> None:
        """Keep the values of a trial under their dotted names, and the key of all that determines its scores."""
        trial.set_user_attr(VALUES, dict(values))
        trial.set_user_attr(KEY, key)

    def report(self, trial: Trial, epoch: int, row: Mapping[str, float]) -> bool:
        """Keep what is watched in an epoch and tell whether the trial lags behind and should stop."""
        if self.goal.watched is None:
            return False
        self.storage.set_trial_intermediate_value(self._id(trial.number), epoch, row[self.goal.watched])
        now = copy(self.storage.get_trial(self._id(trial.number)))
        # What the trial had reported before it was set back is not yet its present.
        now.intermediate_values = {step: value for step, value in now.intermediate_values.items() if step <= epoch}
        return self.study.pruner.prune(self.study, now)

    def complete(self, trial: Trial, done: Finished) -> None:
        """Tell the scores of a training that came to its end."""
        self._keep(trial, done)
        self.study.tell(trial, [float(done.scores[metric]) for metric in self.goal.metrics])
        self._learn(trial)

    def prune(self, trial: Trial, done: Finished) -> None:
        """Tell that a trial was stopped because it lagged behind; its last watched value stands for it."""
        self._keep(trial, done)
        value = float(done.rows[-1][self.goal.watched or ""])
        self.storage.set_trial_state_values(self._id(trial.number), TrialState.PRUNED, [value])
        self._learn(trial)

    def fail(self, trial: Trial, reason: str) -> None:
        """Tell that a trial has no value, and why."""
        trial.set_user_attr(REASON, reason)
        self.study.tell(trial, state=TrialState.FAIL)

    def reuse(self, trial: Trial, number: int) -> None:
        """Tell what an earlier trial with the same values came to."""
        earlier = self.storage.get_trial(self._id(number))
        for name in (ROWS, SCORES, FACTS):
            if name in earlier.user_attrs:
                trial.set_user_attr(name, earlier.user_attrs[name])
        trial.set_user_attr(REUSED, number)
        own = self._id(trial.number)
        for step, value in earlier.intermediate_values.items():
            self.storage.set_trial_intermediate_value(own, step, value)
        self.storage.set_trial_state_values(own, earlier.state, earlier.values)

    def set_back(self, number: int) -> None:
        """Let a trial that was not finished wait for the next session, which takes it up under the same number."""
        self.storage.set_trial_state_values(self._id(number), TrialState.WAITING)

    def _keep(self, trial: Trial, done: Finished) -> None:
        trial.set_user_attr(ROWS, [dict(row) for row in done.rows])
        trial.set_user_attr(SCORES, dict(done.scores))
        trial.set_user_attr(FACTS, dict(done.facts))

    def _learn(self, trial: Trial) -> None:
        self.known.setdefault(trial.user_attrs[KEY], trial.number)

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)


def first(study: optuna.Study, count: int) -> optuna.Study:
    """Give a study as it was when it came to so many finished trials, in memory: trials after that are left out."""
    trials = study.get_trials(deepcopy=False)
    places = [place for place, trial in enumerate(trials, start=1) if trial.state in FINISHED]
    if len(places) <= count:
        return study
    made = optuna.create_study(study_name=study.study_name, directions=study.directions)
    for name in {METRICS, BEGAN} & set(study.user_attrs):
        made.set_user_attr(name, study.user_attrs[name])
    made.add_trials(trials[: places[count - 1]])
    return made


@contextmanager
def opened(
    name: str,
    goal: Goal,
    about: Fingerprint,
    sampler: BaseSampler,
    pruner: BasePruner,
    *,
    url: str | None = None,
    folder: Path = STUDIES,
) -> Iterator[Search]:
    """Open a study, or make it, and hold it for this process alone; what a killed one left is set back.

    Raises:
        AssayError: another process holds it, it is about something else, or it cannot be read or written.
    """
    check_name(name)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with storing.readable(url or str(folder / name)), storing.held(name, folder / name, url) as storage:
        exists = name in optuna.get_all_study_names(storage)
        get = optuna.load_study if exists else partial(optuna.create_study, directions=list(goal.directions))
        study = get(study_name=name, storage=storage, sampler=sampler, pruner=pruner)
        _check_same(study, goal, about)
        search = Search(name, study, storage, goal)
        for trial in search.trials(TrialState.RUNNING):
            search.set_back(trial.number)
        for trial in search.finished():
            search.known.setdefault(trial.user_attrs[KEY], trial.number)
        yield search


def _check_same(study: optuna.Study, goal: Goal, about: Fingerprint) -> None:
    if ABOUT not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise AssayError(f"study {study.study_name}: its trials were made by another program; --study OTHER")
        study.set_user_attr(IDENTITY, uuid.uuid4().hex)
        study.set_user_attr(METRICS, list(goal.metrics))
        study.set_user_attr(ABOUT, dict(about))
        return
    found = fingerprint.difference(study.user_attrs[ABOUT], json.loads(json.dumps(about)))
    if found:
        raise AssayError(f"study {study.study_name}: its trials were made with something else: {found}; --study OTHER")
