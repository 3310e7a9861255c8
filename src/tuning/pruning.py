"""Which trials are stopped early, decided from what is in the study alone, so that going on equals not stopping."""

from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)

from src.params import Pruner


def build(section: Pruner, epochs: int) -> BasePruner:
    """Give the pruner that the section names, for trainings of up to so many epochs.

    The resources of halving and Hyperband are given: Optuna's `auto` takes them from the trials that happen to be
    there when the study is opened.
    """
    startup, warmup = section.startup_trials, section.warmup_epochs
    least, reduction = section.min_epochs, section.reduction
    match section.name:
        case "median":
            return MedianPruner(startup, warmup)
        case "percentile":
            return PercentilePruner(section.percentile, startup, warmup)
        case "halving":
            return SuccessiveHalvingPruner(min_resource=least, reduction_factor=reduction)
        case "hyperband":
            most = max(epochs, least * reduction)
            return HyperbandPruner(min_resource=least, max_resource=most, reduction_factor=reduction)
        case _:
            return NopPruner()
