"""The reliability diagram: does a probability of 0.8 come true in 8 of 10 cases?"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.evaluate.gallery import FigureEntry
from src.metrics.scored import Integers, Scored
from src.metrics.scores import BINS, certainty, reliability
from src.plotting import style


def draw(scored: Scored, decisions: Integers, error: float) -> Figure:
    """Draw frequency against mean probability in ten bins, over the number of images in each bin."""
    probability, outcome = certainty(scored, decisions)
    counts, means, frequencies = reliability(probability, outcome)
    figure = style.canvas(5.4, 6.2)
    curve, bars = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    curve.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", linewidth=1.2, label="perfectly calibrated")
    sizes = 25 + 175 * counts / counts.max() if counts.size else counts
    curve.plot(means, frequencies, **style.line(0), label=f"model: calibration error {error:.2f}")
    curve.scatter(means, frequencies, s=sizes, color=style.colour(0), zorder=3)
    curve.set(ylabel=_outcome(scored), xlim=(-0.02, 1.02), ylim=(-0.04, 1.04))
    handles, labels = curve.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    bars.hist(probability, bins=np.linspace(0, 1, BINS + 1).tolist(), color=style.colour(0), rwidth=0.92)
    bars.set(xlabel=_probability(scored), ylabel="Images")
    bars.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    return figure


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
        lambda material: draw(material.results.test, material.results.decisions, material.results.calibration),
    ),
)
