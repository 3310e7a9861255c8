"""The search space: what a trial may vary, checked against the models of the parameters before anything runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from src.errors import AssayError
from src.params import Entry, Params
from src.tuning import checking

Plain = None | bool | int | float | str
Values = dict[str, Any]
ENCODED = "json:"  # before a list or mapping, of which Optuna keeps only text


class Suggests(Protocol):
    """What is needed of an optuna.Trial."""

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any: ...
    def suggest_float(self, name: str, low: float, high: float, *, step: Any = ..., log: bool = ...) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, step: int = ..., log: bool = ...) -> int: ...


@dataclass(frozen=True)
class Space:
    """Entries by dotted name, those that a `when` speaks of before the others."""

    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, params: Params) -> "Space":
        """Check tune.space against all parameters and order it.

        Raises:
            AssayError: a line for each entry that is wrong: its name, what it refers to, or a value that it would give.
        """
        return cls(checking.checked(params))

    def suggest(self, trial: Suggests) -> Values:
        """Ask for a value of each entry that applies to those before it, always in the same order."""
        values: Values = {}
        for name, entry in self.entries.items():
            if checking.applies(entry, values):
                values[name] = decode(_ask(trial, name, distribution(entry)))
        return values


def distribution(entry: Entry) -> BaseDistribution:
    """Say in Optuna's words what an entry allows."""
    if entry.choices is not None:
        return CategoricalDistribution([encode(choice) for choice in entry.choices])
    if entry.low is None or entry.high is None:
        raise AssayError("tune.space: expected low and high")
    if entry.whole:
        return IntDistribution(int(entry.low), int(entry.high), log=entry.log, step=int(entry.step or 1))
    return FloatDistribution(float(entry.low), float(entry.high), log=entry.log, step=entry.step)


def encode(value: Any) -> Plain:
    """Make of a list or mapping a text that Optuna can keep; other values stay as they are.

    >>> encode(["gray", "resize"]), encode(16)
    ('json:["gray", "resize"]', 16)
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return ENCODED + json.dumps(value, sort_keys=True, ensure_ascii=False)


def decode(value: Any) -> Any:
    """Undo `encode`.

    >>> decode('json:["gray", "resize"]'), decode(16)
    (['gray', 'resize'], 16)
    """
    encoded = isinstance(value, str) and value.startswith(ENCODED)
    return json.loads(value.removeprefix(ENCODED)) if encoded else value


def _ask(trial: Suggests, name: str, distribution: BaseDistribution) -> Any:
    match distribution:
        case CategoricalDistribution():
            return trial.suggest_categorical(name, list(distribution.choices))
        case IntDistribution():
            return trial.suggest_int(
                name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
            )
        case FloatDistribution():
            return trial.suggest_float(
                name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
            )
    raise TypeError(f"expected a distribution of a space, found {distribution!r}")
