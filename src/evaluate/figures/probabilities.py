"""Figures of the probabilities: their calibration, and how well they separate the classes."""

import math
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src import plotting
from src.evaluate.gallery import FigureEntry, Material
from src.metrics.calibration import scaled
from src.metrics.predictions import Floats, Integers, Scored
from src.metrics.scores import BINS, certainty, reliability

NARROW, PADDING = 0.3, 0.02  # range of probabilities up to which the axis is enlarged, and margin
BARS = 25


def calibration(
    scored: Scored, decisions: Integers, error: float, warmed: tuple[Floats, float] | None = None
) -> Figure:
    """Draw frequency against mean probability in ten bins, and below it the number of images in each bin.

    warmed: the probabilities (N, K) after temperature scaling and their calibration error, for a second curve.
    """
    probability, outcome = certainty(scored, decisions)
    figure = plotting.canvas(5.4, 6.2)
    curve, bars = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    curve.plot([0, 1], [0, 1], color=plotting.GREY, linestyle=":", linewidth=1.2, label="perfectly calibrated")
    asked = [(f"model: calibration error {error:.2f}", (probability, outcome))]
    if warmed:
        after = certainty(replace(scored, probabilities=warmed[0]), decisions)
        asked.append((f"after temperature scaling: {warmed[1]:.2f}", after))
    for number, (label, pairs) in enumerate(asked):
        counts, means, frequencies = reliability(*pairs)
        sizes = 25 + 175 * counts / counts.max() if counts.size else counts
        curve.plot(means, frequencies, **plotting.line(number), label=label)
        curve.scatter(means, frequencies, s=sizes, color=plotting.colour(number), zorder=3)
    positive = plotting.shorten_all(scored.classes)[1] if scored.binary else "right"
    curve.set(ylabel=f"Fraction that is {positive}", xlim=(-0.02, 1.02), ylim=(-0.04, 1.04))
    handles, labels = curve.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=1 if warmed else 2)
    bars.hist(probability, bins=np.linspace(0, 1, BINS + 1).tolist(), color=plotting.colour(0), rwidth=0.92)
    of = positive if scored.binary else "the most probable class"
    bars.set(xlabel=f"Probability of {of}", ylabel="Images")
    bars.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    return figure


def _calibration(material: Material) -> Figure:
    results, test = material.results, material.results.test
    warmed = None
    if results.scaling.temperature != 1 and test.size:
        error = results.scaling.after["test"]["calibration_error"]
        warmed = scaled(test.probabilities, results.scaling.temperature), error
    return calibration(test, results.decisions, results.calibration, warmed)


def scores(scored: Scored, threshold: float | None) -> Figure:
    """Draw the probability of the positive class by true class; with more classes, that of the true class."""
    return _histogram(scored, threshold) if scored.binary else _boxes(scored)


def _histogram(scored: Scored, threshold: float | None) -> Figure:
    figure = plotting.canvas(6.4, 4.2)
    axes = figure.subplots()
    plotted = [*scored.probabilities[:, 1], *([] if threshold is None else [threshold])]
    low, high = _range(np.array(plotted))
    edges = np.linspace(low, high, BARS + 1).tolist()
    names = plotting.shorten_all(scored.classes)
    for number, name in enumerate(names):
        values = scored.probabilities[scored.labels == number, 1]
        tint = plotting.colour(number)
        axes.hist(values, bins=edges, color=tint, alpha=0.45)
        axes.hist(values, bins=edges, color=tint, histtype="step", linewidth=1.8, label=f"{name} ({len(values)})")
    if threshold is not None:
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1.4, label=f"threshold {threshold:.3f}")
    axes.set(xlabel=f"Probability of {names[1]}", ylabel="Test images", xlim=(low, high))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _range(values: Floats) -> tuple[float, float]:
    """Return 0 and 1, or the tenths around values that lie close together, which would otherwise share one bar."""
    if not values.size or np.ptp(values) > NARROW:
        return 0.0, 1.0
    low, high = math.floor(10 * (values.min() - PADDING)) / 10, math.ceil(10 * (values.max() + PADDING)) / 10
    return max(0.0, low), min(1.0, high)


def _boxes(scored: Scored) -> Figure:
    figure = plotting.canvas(6.8, 1.3 + 0.5 * len(scored.classes))
    axes = figure.subplots()
    names = []
    for number, name in enumerate(plotting.shorten_all(scored.classes)):
        values = scored.probabilities[scored.labels == number, number]
        names.append(f"{name} ({len(values)})")
        if len(values):
            tint = {"color": plotting.colour(0), "linewidth": 1.6}
            axes.boxplot([values], positions=[number], orientation="horizontal", widths=0.6, medianprops=tint)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Probability given to the true class", xlim=(-0.02, 1.02), ylim=(len(names) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")
    return figure


FIGURES = (
    FigureEntry(40, "scores", "Probabilities by true class",
        "The further apart the classes lie, the better the model separates them.",
        lambda of: scores(of.results.test, of.results.threshold.value if of.results.threshold else None)),
    FigureEntry(50, "calibration", "Calibration",
        "Observed frequency against predicted probability: on the diagonal both agree; larger points: more images.",
        _calibration),
)  # fmt: skip
