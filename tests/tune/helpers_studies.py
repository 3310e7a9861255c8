"""Real Optuna studies with invented values."""

import math
import random
from collections.abc import Callable, Collection
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from src.tune.trials_view import IDENTITY, METRICS

SPACE: dict[str, BaseDistribution] = {
    "train.batch_size": CategoricalDistribution([16, 32, 64, 128]),
    "model.dropout": FloatDistribution(0.0, 0.8),
    "train.optimizer": CategoricalDistribution(["adam", "adamw", "rmsprop", "sgd"]),
    "model.stride": CategoricalDistribution([1, 2]),
    "train.learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
    "preprocess.steps": CategoricalDistribution(['json:["gray", "crop", "resize"]', 'json:["gray", "resize"]']),
    "train.momentum": FloatDistribution(0.0, 0.99),
}
EPOCHS = 10


def mixed(number: int) -> str:
    """Let some trials fail and some be pruned."""
    return "FAIL" if number % 17 == 5 else "PRUNED" if number % 3 == 2 else "COMPLETE"


def study(
    count: int,
    *,
    two: bool = False,
    states: Callable[[int], str] = mixed,
    names: Collection[str] = tuple(SPACE),
    value: float | None = None,
) -> optuna.Study:
    """Make a study in memory; with two objectives nothing is pruned."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = optuna.create_study(study_name="default", directions=["maximize", "minimize"] if two else ["maximize"])
    found.set_user_attr(IDENTITY, "abc")
    found.set_user_attr(METRICS, ["auc", "parameters"] if two else ["auc"])
    chance = random.Random(1)
    for number in range(count):
        params = {name: _drawn(SPACE[name], chance) for name in SPACE if name in names}
        if params.get("train.optimizer") != "sgd":
            params.pop("train.momentum", None)
        score = _score(params, chance) if value is None else value
        state = "COMPLETE" if two and states(number) == "PRUNED" else states(number)
        found.add_trial(_trial(state, params, [score, 10 ** chance.uniform(4, 6)] if two else [score]))
    return found


def _trial(state: str, params: dict[str, Any], values: list[float]) -> optuna.trial.FrozenTrial:
    failed = state == "FAIL"
    rows = [{"epoch": n, "loss": 1 / n, "val_loss": abs(n - 7), "val_auc": values[0] * (1 - 0.4 / n)}
            for n in range(1, EPOCHS + 1)]  # fmt: skip
    return create_trial(
        state=TrialState[state],
        values=None if failed else values,
        params=params,
        distributions={name: SPACE[name] for name in params},
        user_attrs={"reason": "the loss is\nno number"} if failed else {"rows": rows},
    )


def _drawn(distribution: BaseDistribution, chance: random.Random) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return chance.choice(distribution.choices)
    assert isinstance(distribution, FloatDistribution)
    if distribution.log:
        return math.exp(chance.uniform(math.log(distribution.low), math.log(distribution.high)))
    return chance.uniform(distribution.low, distribution.high)


def _score(params: dict[str, Any], chance: random.Random) -> float:
    rate = params.get("train.learning_rate", 1e-3)
    return 0.9 - 0.05 * (math.log10(rate) + 3) ** 2 - 0.01 * params.get("model.dropout", 0) + chance.gauss(0, 0.01)
