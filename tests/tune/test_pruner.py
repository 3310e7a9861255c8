"""Halving looks at a trial at each rung alone, among all others that came so far."""

import math

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from src.tune.pruner import Halving
from src.tune.trials_view import REUSED


def stopped(own: float, *others: float, direction: str = "maximize", epoch: int = 2, reused: bool = False) -> bool:
    """Return whether a trial is stopped that has this value, where others had theirs in the same epoch."""
    study = optuna.create_study(direction=direction)
    for value in others:
        attributes = {REUSED: 0} if reused else {}
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED, value=value, intermediate_values={epoch: value}, user_attrs=attributes
            )
        )
    trial = study.ask()
    trial.report(own, epoch)
    return Halving(2, 2).prune(study, study.trials[trial.number])


def test_the_better_half_goes_on_and_a_trial_is_no_rival_of_its_own() -> None:
    assert not stopped(0.9, 0.8, 0.7)
    assert stopped(0.85, 0.9, 0.8), "of three one goes on; were it counted twice, two of four would"
    assert stopped(0.7, 0.9, 0.8)
    assert not stopped(0.1)


def test_less_is_better_of_a_loss() -> None:
    assert not stopped(0.1, 0.2, 0.3, direction="minimize")
    assert stopped(0.3, 0.2, 0.1, direction="minimize")


@pytest.mark.parametrize(("epoch", "rung"), [(1, False), (2, True), (3, False), (4, True), (6, False), (8, True)])
def test_it_is_looked_at_at_rungs_alone(epoch: int, rung: bool) -> None:
    assert stopped(0.1, 0.9, 0.8, epoch=epoch) == rung


def test_what_is_no_number_is_stopped_and_counts_for_nobody() -> None:
    assert stopped(math.nan, 0.1)
    assert not stopped(0.1, math.nan, math.nan)


def test_values_that_were_taken_over_do_not_count_twice() -> None:
    assert not stopped(0.1, 0.9, 0.9, reused=True)
