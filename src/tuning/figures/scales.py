"""How values of a parameter are placed along an axis: even, by orders of magnitude, or one place for each choice."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import EngFormatter, FuncFormatter, NullFormatter
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from src.evaluation.figures import style
from src.tuning.space import decode

LONGEST = 22
DIGITS, MOST_DIGITS = 3, 8
THOUSAND = 1000
ROOM = 0.06  # of an axis, beside its ends
WORDS = {
    "auc": "ROC AUC",
    "average_precision": "Average precision",
    "f1": "F1",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "val_auc": "ROC AUC",
    "val_loss": "Loss",
}


def title(metric: str) -> str:
    """Name a metric of val as a reader knows it."""
    named = WORDS.get(metric, metric.removeprefix("val_").replace("_", " ").capitalize())
    return named if metric == "parameters" else f"{named} on val"


@dataclass(frozen=True)
class Scale:
    """An axis from low to high, or over the texts of its choices."""

    low: float
    high: float
    log: bool = False
    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, distribution: BaseDistribution) -> "Scale":
        """Make the axis of a parameter."""
        if isinstance(distribution, CategoricalDistribution):
            texts = style.shorten_all([text(decode(choice)) for choice in distribution.choices], LONGEST)
            return cls(0, max(len(texts) - 1, 0), choices=tuple(texts))
        if isinstance(distribution, FloatDistribution | IntDistribution):
            return cls(float(distribution.low), float(distribution.high), bool(distribution.log))
        raise TypeError(f"expected a distribution of a space, found {distribution!r}")

    def share(self, place: float) -> float:
        """Give where a place lies between low and high, as 0 to 1."""
        low, high, here = (
            (math.log(each) for each in (self.low, self.high, place)) if self.log else (self.low, self.high, place)
        )
        return 0.5 if high == low else (here - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Give a few places from 0 to 1 and what stands there."""
        if self.choices:
            return [(self.share(number), name) for number, name in enumerate(self.choices)]
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            inside = [10.0**power for power in range(first, last + 1)]
            values = sorted({self.low, self.high, *inside})
        else:
            values = [self.low + (self.high - self.low) * part / 4 for part in range(5)]
        return [(self.share(value), label) for value, label in zip(values, numbers(values), strict=True)]


def place(value: Any, distribution: BaseDistribution) -> float:
    """Give the place of a value of a parameter on its axis: its number, or the number of its choice."""
    if isinstance(distribution, CategoricalDistribution):
        texts = [text(decode(choice)) for choice in distribution.choices]
        return float(texts.index(text(value))) if text(value) in texts else math.nan
    return float(value)


def text(value: Any) -> str:
    """Write a value as it stands in params.yaml."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case list() | tuple():
            return f"[{', '.join(map(text, value))}]"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def numbers(values: Sequence[float]) -> list[str]:
    """Write different numbers in as few letters as keep them apart.

    >>> numbers([0.001, 11100, 957000]), numbers([63441, 63449])
    (['0.001', '11.1 k', '957 k'], ['63.44 k', '63.45 k'])
    """
    for digits in range(DIGITS, MOST_DIGITS):
        texts = [_number(float(f"{value:.{digits}g}"), digits) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def _number(value: float, digits: int) -> str:
    return EngFormatter()(value) if abs(value) >= THOUSAND else f"{value:.{digits}g}"


def thousands(axis: Axis, values: Sequence[float]) -> None:
    """Write the numbers of an axis of large values with k and M."""
    if max(map(abs, values), default=0) >= THOUSAND:
        axis.set_major_formatter(EngFormatter())


def lay(axes: Axes, scale: Scale) -> None:
    """Give the x axis of axes this scale, over all that the parameter may be."""
    if scale.choices:
        turned = sum(map(len, scale.choices)) > 24
        axes.set_xticks(
            range(len(scale.choices)), scale.choices, rotation=30 if turned else 0, ha="right" if turned else "center"
        )
        axes.set_xlim(-0.5, len(scale.choices) - 0.5)
    elif scale.log:
        logarithmic(axes)
        room = (scale.high / scale.low) ** ROOM
        axes.set_xlim(scale.low / room, scale.high * room)
    else:
        room = (scale.high - scale.low) * ROOM
        axes.set_xlim(scale.low - room, scale.high + room)


def logarithmic(axes: Axes) -> None:
    """Give the x axis orders of magnitude, written as plain numbers: powers would need mathematical text."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def limits(values: Sequence[float]) -> tuple[float, float]:
    """Give the ends of an axis with a little room around values, also where there is only one."""
    low, high = min(values), max(values)
    room = ROOM * (high - low) or 0.05 * abs(high) or 0.05
    return low - room, high + room
