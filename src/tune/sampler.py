"""Draw the next values, with a random state for each trial, so that a resumed study equals an uninterrupted one."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from src.config import Sampler
from src.core import random_streams

Make = Callable[[int], BaseSampler]


SAMPLERS: dict[str, Callable[[Sampler, int], BaseSampler]] = {
    "tpe": lambda of, seed: TPESampler(n_startup_trials=of.startup_trials, seed=seed, constant_liar=True),
    "random": lambda of, seed: RandomSampler(seed=seed),
}


def build(section: Sampler, seed: int) -> "Numbered":
    """Return the sampler that the section names."""
    return Numbered(partial(SAMPLERS[section.name], section), seed)


class Numbered(BaseSampler):
    """A sampler whose random numbers depend on the seed, the trial's number and the parameter alone.

    A seeded sampler of Optuna restarts its random sequence whenever a study is opened. Here a trial that was killed
    while its values were being drawn gets the same values when it is resumed; those already drawn are not drawn again.
    """

    def __init__(self, make: Make, seed: int) -> None:
        self._make = make
        self._seed = seed

    def _for(self, trial: FrozenTrial, *names: str) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._make(random_streams.derive(self._seed, "trial", trial.number, *names))

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._for(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._for(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._for(trial, param_name).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._for(trial).after_trial(study, trial, state, values)
