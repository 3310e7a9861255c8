"""A study: Optuna's trials, stored so that the same command continues whatever was killed.

A study has a fingerprint of everything that its trials depend on besides the values that it varies, so that one study
never mixes two questions. Both ways to search use it: the stage names its study by the fingerprint, so that only the
same inputs find the study again; `python -m src.tune` compares it with the one that the named study began with.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from src.config import Params
from src.core import nested
from src.core.errors import AssayError, listed
from src.core.paths import STUDIES
from src.executors import training_inputs
from src.executors.protocol import Finished
from src.executors.training_inputs import CODE_OF
from src.metrics.objectives import direction, watched
from src.tracking.record import Trial
from src.tune import trials_view
from src.tune.storage import open_storage
from src.tune.trials_view import ABOUT, FACTS, IDENTITY, KEY, METRICS, REASON, REUSED, ROWS, SCORES, VALUES, TrialsView

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
Fingerprint = Mapping[str, Any]
# Trials depend on these sections only through the images and parts, which have their own hashes.
THROUGH_DATA = ("dataset.", "split.")
POSITIVE = "dataset.positive"
WITHOUT = {
    "preprocess.max_rejected", "evaluate.confidence", "evaluate.resamples", "evaluate.tta", "evaluate.mistakes",
}  # fmt: skip
# What may change within a study that a person has named: which values come next, and how fast each worker trains.
CHANGEABLE = ("train.threads", "train.gpus", "tune.sampler", "tune.pruner")
# The code that proposes and stops trials; that of a training is among its inputs.
CODE = (
    "src/tune/driver.py", "src/tune/pruner.py", "src/tune/sampler.py", "src/tune/space.py", "src/tune/study.py",
    "src/tune/trials_view.py",
)  # fmt: skip
WORDS = {"images": "other images", "split": "another split", "raw": "other raw images"}
SHOWN = 3


@dataclass
class Search:
    """An open study; the process that holds it is the only one that asks and tells."""

    study: optuna.Study
    storage: BaseStorage
    metrics: tuple[str, ...]
    known: dict[str, int] = field(default_factory=dict)  # for each key the number of the trial that was trained

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.study.study_name

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Return the trials in these states, or all of them, by number."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def finished(self) -> int:
        """Count the finished trials, complete or pruned; those with reused results count."""
        return len(self.trials(*FINISHED))

    def view(self) -> TrialsView:
        """Return all trials that have ended."""
        return trials_view.view(self.study)

    def ended(self, number: int) -> Trial:
        """Return one trial that has ended."""
        return trials_view.record(self.storage.get_trial(self._id(number)), self.metrics)

    def baseline(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the varied parameters of params.yaml when the study began; store `values` if it begins now."""
        if trials_view.BEGAN not in self.study.user_attrs:
            self.study.set_user_attr(trials_view.BEGAN, dict(values))
        found: Mapping[str, Any] = self.study.user_attrs[trials_view.BEGAN]
        return found

    def remember(self, trial: optuna.Trial, values: Mapping[str, Any], key: str) -> None:
        """Store the values of a trial by dotted name, and the key of everything that determines its scores."""
        trial.set_user_attr(VALUES, dict(values))
        trial.set_user_attr(KEY, key)

    def report(self, trial: optuna.Trial, epoch: int, row: Mapping[str, float]) -> bool:
        """Store the watched value of an epoch, and return True if the trial lags behind and should stop."""
        column = watched(self.metrics)
        if column is None:
            return False
        self.storage.set_trial_intermediate_value(self._id(trial.number), epoch, row[column])
        now = copy(self.storage.get_trial(self._id(trial.number)))
        # Values of later epochs are from before the trial was queued again: they do not count yet.
        now.intermediate_values = {step: value for step, value in now.intermediate_values.items() if step <= epoch}
        return self.study.pruner.prune(self.study, now)

    def complete(self, trial: optuna.Trial, done: Finished) -> None:
        """Record the scores of a training that ran to its end."""
        self._keep(trial, done)
        self.study.tell(trial, [float(done.scores[metric]) for metric in self.metrics])

    def prune(self, trial: optuna.Trial, done: Finished) -> None:
        """Record that a trial was stopped because it lagged behind; its last watched value becomes its value."""
        self._keep(trial, done)
        value = float(done.rows[-1][watched(self.metrics) or ""])
        self.storage.set_trial_state_values(self._id(trial.number), TrialState.PRUNED, [value])

    def fail(self, trial: optuna.Trial, reason: str) -> None:
        """Record that a trial has no value, and why."""
        trial.set_user_attr(REASON, reason)
        self.study.tell(trial, state=TrialState.FAIL)

    def reuse(self, trial: optuna.Trial, number: int) -> None:
        """Record the result of an earlier trial with the same values."""
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
        """Queue an unfinished trial for the next session, which trains it under the same number."""
        self.storage.set_trial_state_values(self._id(number), TrialState.WAITING)

    def _keep(self, trial: optuna.Trial, done: Finished) -> None:
        trial.set_user_attr(ROWS, [dict(row) for row in done.rows])
        trial.set_user_attr(SCORES, dict(done.scores))
        trial.set_user_attr(FACTS, dict(done.facts))
        self.known.setdefault(trial.user_attrs[KEY], trial.number)

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self.study._study_id, number)


def first(study: optuna.Study, count: int) -> optuna.Study:
    """Return a study as it was when it had `count` finished trials: a copy in memory, without the later trials."""
    trials = study.get_trials(deepcopy=False)
    places = [place for place, trial in enumerate(trials, start=1) if trial.state in FINISHED]
    if len(places) <= count:
        return study
    made = optuna.create_study(study_name=study.study_name, directions=study.directions)
    for name in {METRICS, trials_view.BEGAN} & set(study.user_attrs):
        made.set_user_attr(name, study.user_attrs[name])
    made.add_trials(trials[: places[count - 1]])
    return made


@contextmanager
def opened(
    name: str,
    metrics: tuple[str, ...],
    about: Fingerprint,
    sampler: BaseSampler,
    pruner: BasePruner,
    studies: Path = STUDIES,
) -> Iterator[Search]:
    """Open the study in the folder of its name, or create it, for this process alone; queue trials left running again.

    Raises:
        AssayError: another process has locked it, its fingerprint differs, or it cannot be read or written.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with open_storage(studies / name) as storage:
        if name not in optuna.get_all_study_names(storage):
            optuna.create_study(study_name=name, storage=storage, directions=[direction(each) for each in metrics])
        study = optuna.load_study(study_name=name, storage=storage, sampler=sampler, pruner=pruner)
        _check_same(study, metrics, about)
        search = Search(study, storage, metrics)
        for trial in search.trials(TrialState.RUNNING):
            search.set_back(trial.number)
        for trial in search.trials(*FINISHED):
            search.known.setdefault(trial.user_attrs[KEY], trial.number)
        yield search


def _check_same(study: optuna.Study, metrics: tuple[str, ...], about: Fingerprint) -> None:
    if ABOUT not in study.user_attrs:
        study.set_user_attr(IDENTITY, uuid.uuid4().hex)
        study.set_user_attr(METRICS, list(metrics))
        study.set_user_attr(ABOUT, dict(about))
        return
    found = difference(study.user_attrs[ABOUT], json.loads(json.dumps(about)))
    if found:
        raise AssayError(f"study {study.study_name}: its trials had other inputs: {found}; choose another --study")


def fingerprint(params: Params) -> dict[str, Any]:
    """Return by name everything that the trials depend on: with the same fingerprint one worker gets the same trials.

    It holds parameters outside the space, the space, the metric, and hashes of images, parts and code. The number of
    trials is not in it: with a larger number, a study continues with the trials that it has.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    content = params.model_dump(mode="json", exclude={"export", "track", "repeat"})
    tune = content.pop("tune")
    space = params.tune.space
    sometimes = {name for name, entry in space.items() if entry.when}  # otherwise the value of params.yaml
    return {
        **{name: each for name, each in nested.flat(content) if _matters(name, set(space) - sometimes)},
        **{name: nested.get(content, name) for name in sometimes},
        **{f"tune.{name}": tune[name] for name in ("metric", "sampler", "pruner")},
        **{f"tune.space.{name}": entry for name, entry in tune["space"].items()},
        **training_inputs.of(params),
        **training_inputs.code(CODE),
    }


def difference(there: Fingerprint, here: Fingerprint) -> str:
    """Return in one line how the fingerprints of a study and of the present inputs differ; empty if they do not."""
    nothing = object()
    names = [name for name in {**there, **here} if there.get(name, nothing) != here.get(name, nothing)]
    # A parameter that is varied only sometimes has changed in params.yaml if --apply has written the winner there.
    names = [name for name in names if name not in CHANGEABLE and f"tune.space.{name}" not in here]
    parts = list(dict.fromkeys(_part(name, there, here) for name in names))
    return listed(parts, SHOWN, "; ")


def _part(name: str, there: Fingerprint, here: Fingerprint) -> str:
    if name.startswith(CODE_OF):
        return f"other {name}"
    if name in WORDS:
        return WORDS[name]
    before, now = (json.dumps(each[name]) if name in each else "nothing" for each in (there, here))
    return f"{name} was {before}, is {now}"


def _matters(name: str, space: set[str]) -> bool:
    within = any(name == each or name.startswith(f"{each}.") for each in space)
    return name == POSITIVE or not (within or name in WITHOUT or name.startswith(THROUGH_DATA))
