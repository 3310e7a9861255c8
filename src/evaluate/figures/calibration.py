"""The reliability diagram: does a probability of 0.8 come true in 8 of 10 cases?"""

from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.evaluate.gallery import FigureEntry, Material
from src.metrics.calibration import scaled
from src.metrics.scored import Floats, Integers, Scored
from src.metrics.scores import BINS, certainty, reliability
from src.plotting import style


def draw(scored: Scored, decisions: Integers, error: float, warmed: tuple[Floats, float] | None = None) -> Figure:
    """Draw frequency against mean probability in ten bins, over the number of images in each bin.

    warmed: the probabilities (N, K) after temperature scaling and their calibration error, for a second curve.
    """
    probability, outcome = certainty(scored, decisions)
    figure = style.canvas(5.4, 6.2)
    curve, bars = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    curve.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", linewidth=1.2, label="perfectly calibrated")
    asked = [(f"model: calibration error {error:.2f}", (probability, outcome))]
    if warmed:
        after = certainty(replace(scored, probabilities=warmed[0]), decisions)
        asked.append((f"after temperature scaling: {warmed[1]:.2f}", after))
    for number, (label, pairs) in enumerate(asked):
        counts, means, frequencies = reliability(*pairs)
        sizes = 25 + 175 * counts / counts.max() if counts.size else counts
        curve.plot(means, frequencies, **style.line(number), label=label)
        curve.scatter(means, frequencies, s=sizes, color=style.colour(number), zorder=3)
    curve.set(ylabel=_outcome(scored), xlim=(-0.02, 1.02), ylim=(-0.04, 1.04))
    handles, labels = curve.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=1 if warmed else 2)
    bars.hist(probability, bins=np.linspace(0, 1, BINS + 1).tolist(), color=style.colour(0), rwidth=0.92)
    bars.set(xlabel=_probability(scored), ylabel="Images")
    bars.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    return figure


def _drawn(material: Material) -> Figure:
    results = material.results
    scaling, test = results.scaling, results.test
    warmed = None
    if scaling.temperature != 1 and test.size:
        warmed = scaled(test.probabilities, scaling.temperature), scaling.after["test"]["calibration_error"]
    return draw(test, results.decisions, results.calibration, warmed)


def _outcome(scored: Scored) -> str:
    return f"Fraction that is {style.shorten_all(scored.classes)[1]}" if scored.binary else "Fraction that is right"


def _probability(scored: Scored) -> str:
    if scored.binary:
        return f"Probability of {style.shorten_all(scored.classes)[1]}"
    return "Probability of the most probable class"


FIGURES = (
    FigureEntry(
        50,
        "calibration",
        "Calibration",
        "Whether probabilities can be taken at their word: points on the diagonal can, larger ones hold more images.",
        _drawn,
    ),
)
