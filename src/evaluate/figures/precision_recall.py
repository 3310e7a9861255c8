"""The precision-recall curve: how many alarms are right against how many cases are found."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.evaluate.figures._curve_bands import curves, with_bounds
from src.evaluate.gallery import FigureEntry
from src.evaluate.results import Results
from src.metrics.curves import Ranking
from src.metrics.scored import Floats
from src.plotting import style


def points(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return recall and precision (U,), recall rising."""
    true, false = ranking.true[0], ranking.false[0]
    return true / true[-1], true / (true + false)


def draw(results: Results) -> Figure:
    """Draw one stepped curve a class with its average precision, and where the threshold puts us."""
    drawn = [curve for curve in curves(results) if curve.complete]
    figure = style.square(len(drawn) + 1)
    axes = figure.subplots()
    for number, curve in enumerate(drawn):
        recall, precision = points(curve.ranking)
        average = with_bounds(results.estimates.scores.get((*curve.key, "average_precision")))
        label = f"{curve.name}: AP {average}"
        axes.step(np.append(0.0, recall), np.append(precision[0], precision), **style.line(number), label=label)
    if results.threshold and drawn:
        _binary(results, axes)
    style.share(axes, "Recall (sensitivity)", "Precision")
    style.legend(axes, "lower left")
    return figure


def _binary(results: Results, axes: Axes) -> None:
    share = float((results.test.labels == 1).mean())
    axes.axhline(share, color=style.GREY, linestyle=":", linewidth=1.2, label=f"chance {share:.2f}")
    place = results.estimates.scores[("sensitivity",)].value, results.estimates.scores[("precision",)].value
    label = f"threshold {results.threshold.value:.3f}" if results.threshold else ""
    axes.plot(*place, "o", color=style.colour(1), markersize=8, label=label)


FIGURES = (
    FigureEntry(
        30,
        "precision_recall",
        "Precision-recall curve",
        "How many alarms are right as more of the cases are found; chance is the share of cases in the test part.",
        lambda material: draw(material.results),
    ),
)
