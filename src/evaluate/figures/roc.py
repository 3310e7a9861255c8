"""The ROC curve: sensitivity against false alarms at every threshold."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.core.random_streams import stream
from src.evaluate.figures._curve_bands import curves, with_bounds
from src.evaluate.gallery import FigureEntry
from src.evaluate.results import Results
from src.metrics.bootstrap import FEWEST_GROUPS, roc_band
from src.metrics.curves import Ranking
from src.metrics.scored import Floats
from src.plotting import style


def points(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return false and true positive rate (U + 1,), from (0, 0) to (1, 1)."""
    true, false = ranking.true[0], ranking.false[0]
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def draw(results: Results) -> Figure:
    """Draw one curve a class with its area and interval, the chance line, and where the threshold puts us."""
    drawn = [curve for curve in curves(results) if curve.complete]
    figure = style.square(len(drawn) + 1)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", linewidth=1.2, label="chance")
    if results.test.binary and drawn and results.test.group_count >= FEWEST_GROUPS:
        _band(results, axes)
    for number, curve in enumerate(drawn):
        area = with_bounds(results.estimates.scores.get((*curve.key, "auc")))
        axes.plot(*points(curve.ranking), **style.line(number), label=f"{curve.name}: AUC {area}")
    if results.threshold and drawn:
        place = results.estimates.scores[("specificity",)].value, results.estimates.scores[("sensitivity",)].value
        axes.plot(1 - place[0], place[1], "o", color=style.colour(1), markersize=8, label=_threshold(results))
    style.share(axes, "False positive rate (1 - specificity)", "True positive rate (sensitivity)")
    style.legend(axes, "lower right")
    return figure


def _band(results: Results, axes: Axes) -> None:
    """Shade where the curve lies in resamples of whole groups."""
    test, rules = results.test, results.rules
    random = stream(rules.seed, "intervals", "roc")
    score = test.probabilities[:, 1]
    grid, low, high = roc_band(test.labels == 1, score, test.groups, rules.confidence, rules.resamples, random)
    axes.fill_between(grid, low, high, color=style.colour(0), alpha=0.15, linewidth=0)


def _threshold(results: Results) -> str:
    return f"threshold {results.threshold.value:.3f}" if results.threshold else ""


FIGURES = (
    FigureEntry(
        20,
        "roc",
        "ROC curve",
        lambda material: (
            "What share of the cases is found at the price of which share of false alarms, at every threshold"
            + (", and how far that moves with other groups." if material.results.test.binary else ".")
        ),
        lambda material: draw(material.results),
    ),
)
