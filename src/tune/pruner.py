"""Decide which trials stop early, from the content of the study alone: a resumed study equals an uninterrupted one."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, PercentilePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from src.config import Pruner
from src.tune.trials_view import REUSED


@dataclass(frozen=True)
class Halving(BasePruner):
    """Asynchronous successive halving (Li et al. 2018, arXiv:1810.05934): at each rung, the best of every `reduction`
    trials that have reached it so far continue. Each rung has `reduction` times as many epochs as the one before.

    The rule is that of Optuna's SuccessiveHalvingPruner, but the rungs that a trial has passed are not stored: that
    record would be wrong for a trial that restarts after a crash.
    """

    least: int
    reduction: int
    skipped: int = 0  # number of rungs

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """True if the trial should be stopped at the epoch that it reported last."""
        epoch = trial.last_step
        rung: int = self.least * self.reduction**self.skipped
        while epoch is not None and rung < epoch:
            rung *= self.reduction
        if epoch is None or rung != epoch:
            return False
        own = trial.intermediate_values[epoch]
        if math.isnan(own):
            return True
        others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        trained = [other for other in others if REUSED not in other.user_attrs]
        values = [other.intermediate_values[epoch] for other in trained if epoch in other.intermediate_values]
        comparable = [value for value in values if not math.isnan(value)]
        ranked = sorted([*comparable, own], reverse=study.direction == StudyDirection.MAXIMIZE)
        worst = ranked[max(1, len(ranked) // self.reduction) - 1]
        return bool(own < worst if study.direction == StudyDirection.MAXIMIZE else own > worst)


class Hyperband(HyperbandPruner):
    """Optuna's Hyperband (Li et al. 2018, arXiv:1603.06560), with `Halving` in its brackets."""

    def __init__(self, least: int, most: int, reduction: int) -> None:
        super().__init__(min_resource=least, max_resource=most, reduction_factor=reduction)
        self._halving = Halving(least, reduction)

    def _try_initialization(self, study: Study) -> None:
        super()._try_initialization(study)
        self._pruners = [replace(self._halving, skipped=skipped) for skipped in range(len(self._pruners))]  # type: ignore[misc]


def build(section: Pruner, epochs: int) -> BasePruner:
    """Return the pruner that the section names, for trainings of at most `epochs` epochs."""
    return PRUNERS[section.name](section, epochs)


PRUNERS: dict[str, Callable[[Pruner, int], BasePruner]] = {
    "none": lambda of, epochs: NopPruner(),
    "median": lambda of, epochs: MedianPruner(of.startup_trials, of.warmup_epochs),
    "percentile": lambda of, epochs: PercentilePruner(of.percentile, of.startup_trials, of.warmup_epochs),
    "halving": lambda of, epochs: Halving(of.min_epochs, of.reduction),
    # The maximum is given: Optuna's `auto` would take it from the trials that exist when the study is opened.
    "hyperband": lambda of, epochs: Hyperband(of.min_epochs, max(epochs, of.min_epochs * of.reduction), of.reduction),
}
