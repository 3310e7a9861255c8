"""How far the probabilities of the classes lie apart."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.evaluate.gallery import FigureEntry
from src.metrics.scored import Floats, Scored
from src.plotting import style

BINS = 25
NARROW = 0.3
PADDING = 0.02


def draw(scored: Scored, threshold: float | None) -> Figure:
    """Draw the probability of the positive class by true class, or with more classes that of the true class."""
    return _two(scored, threshold) if scored.binary else _many(scored)


def _two(scored: Scored, threshold: float | None) -> Figure:
    figure = style.canvas(6.4, 4.2)
    axes = figure.subplots()
    plotted = [*scored.probabilities[:, 1], *([] if threshold is None else [threshold])]
    low, high = _range(np.array(plotted))
    edges = np.linspace(low, high, BINS + 1)
    for number, name in enumerate(style.shorten_all(scored.classes)):
        values = scored.probabilities[scored.labels == number, 1]
        label = f"{name} ({len(values)})"
        axes.hist(values, bins=edges.tolist(), color=style.colour(number), alpha=0.45)
        axes.hist(values, bins=edges.tolist(), color=style.colour(number), histtype="step", linewidth=1.8, label=label)
    if threshold is not None:
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1.4, label=f"threshold {threshold:.3f}")
    axes.set(xlabel=f"Probability of {style.shorten_all(scored.classes)[1]}", ylabel="Test images", xlim=(low, high))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _range(values: Floats) -> tuple[float, float]:
    """Return 0 and 1, or the tenths around values that lie close together: a hesitant model shows one bar else."""
    if not values.size or np.ptp(values) > NARROW:
        return 0.0, 1.0
    low, high = math.floor(10 * (values.min() - PADDING)) / 10, math.ceil(10 * (values.max() + PADDING)) / 10
    return max(0.0, low), min(1.0, high)


def _many(scored: Scored) -> Figure:
    figure = style.canvas(6.8, 1.3 + 0.5 * len(scored.classes))
    axes = figure.subplots()
    names = []
    for number, name in enumerate(style.shorten_all(scored.classes)):
        values = scored.probabilities[scored.labels == number, number]
        names.append(f"{name} ({len(values)})")
        if len(values):
            tint = {"color": style.colour(0), "linewidth": 1.6}
            axes.boxplot([values], positions=[number], orientation="horizontal", widths=0.6, medianprops=tint)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Probability given to the true class", xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")
    return figure


FIGURES = (
    FigureEntry(
        40,
        "scores",
        "Probabilities by true class",
        "The further apart the classes lie, the better the model separates them.",
        lambda material: draw(
            material.results.test, material.results.threshold.value if material.results.threshold else None
        ),
    ),
)
