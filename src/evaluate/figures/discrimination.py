"""Figures of discrimination: the confusion matrix, ROC curves and precision-recall curves."""

from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src import plotting
from src.core.random_streams import stream
from src.evaluate.gallery import FigureEntry, Material
from src.evaluate.results import Results
from src.metrics import scores
from src.metrics.bootstrap import FEWEST_GROUPS, roc_band
from src.metrics.curves import Ranking, divide, rank
from src.metrics.predictions import Floats, Integers

FEW = 3  # legend entries that fit inside the axes
DARK = 0.55  # shade above which white text is easier to read
LONG = 9  # characters of a class name that fit under a column


def confusion(labels: Integers, decisions: Integers, classes: tuple[str, ...]) -> Figure:
    """Draw the confusion matrix as counts and as percent of each true class, true classes as rows."""
    counts = scores.confusion(labels, decisions, len(classes))
    fractions = divide(counts.astype(np.float64), counts.sum(axis=1, keepdims=True).astype(np.float64))
    side = max(3.6, 0.62 * len(classes) + 1.9)
    figure = plotting.canvas(2 * side + 1.4, side + 0.2)
    left, right = figure.subplots(1, 2)
    _matrix(left, counts / max(1, counts.max()), np.vectorize(str)(counts), classes)
    percent = np.vectorize(lambda value: f"{100 * value:.0f} %" if np.isfinite(value) else "-")
    _matrix(right, fractions, percent(fractions), classes)
    left.set_title("Test images")
    right.set_title("Percent of each true class")
    return figure


def _matrix(axes: Axes, shades: Floats, texts: NDArray[np.str_], classes: tuple[str, ...]) -> None:
    names = plotting.shorten_all(classes, 18)
    axes.imshow(np.nan_to_num(shades), cmap=plotting.SHADE, vmin=0, vmax=1)
    turned = len(names) > 3 or max(map(len, names)) > 2 * LONG
    axes.set_xticks(range(len(names)), names, rotation=40 if turned else 0, ha="right" if turned else "center")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Predicted class", ylabel="True class")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for (row, column), text in np.ndenumerate(texts):
        tint = "white" if shades[row, column] > DARK else "black"
        axes.text(column, row, text, ha="center", va="center", color=tint, fontsize=13 if len(names) < 4 else 9)


class Curve(NamedTuple):
    """The ranking of one class against the rest, its name as shown, and its ROC AUC and average precision as text."""

    name: str
    ranking: Ranking
    auc: str
    average_precision: str


def curves(results: Results) -> list[Curve]:
    """Return the curve of the positive class, or of every class if there are more than two.

    A class is left out if the test part has no images of it, or no others.
    """
    test, found = results.test, []
    names = plotting.shorten_all(test.classes)
    for number in [1] if test.binary else range(len(test.classes)):
        ranking = rank(test.labels == number, test.probabilities[:, number], np.ones((1, test.size)))
        if ranking.true.any() and ranking.false.any():
            key = () if test.binary else ("classes", test.classes[number])
            found_scores = (results.estimates.scores.get((*key, name)) for name in ("auc", "average_precision"))
            found.append(Curve(names[number], ranking, *(score.text(2) if score else "-" for score in found_scores)))
    return found


def roc_points(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return false and true positive rates (U + 1,), from (0, 0) to (1, 1)."""
    true, false = ranking.true[0], ranking.false[0]
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def precision_recall_points(ranking: Ranking) -> tuple[Floats, Floats]:
    """Return recall and precision (U,), in order of rising recall."""
    true, false = ranking.true[0], ranking.false[0]
    return true / true[-1], true / (true + false)


def roc(results: Results) -> Figure:
    """Draw the ROC curves with AUC and intervals, and the chance line."""
    drawn = curves(results)
    figure, axes = _square(len(drawn) + 1)
    axes.plot([0, 1], [0, 1], color=plotting.GREY, linestyle=":", linewidth=1.2, label="chance")
    if results.test.binary and drawn and results.test.group_count >= FEWEST_GROUPS:
        _band(results, axes)
    for number, curve in enumerate(drawn):
        axes.plot(*roc_points(curve.ranking), **plotting.line(number), label=f"{curve.name}: AUC {curve.auc}")
    if results.threshold and drawn:
        _mark(axes, results, 1 - _value(results, "specificity"), _value(results, "sensitivity"))
    _label(axes, "False positive rate (1 - specificity)", "True positive rate (sensitivity)", "lower right")
    return figure


def precision_recall(results: Results) -> Figure:
    """Draw a step curve per class with its average precision; with a threshold, the share of cases as chance line."""
    drawn = curves(results)
    figure, axes = _square(len(drawn) + 1)
    for number, curve in enumerate(drawn):
        recall, precision = precision_recall_points(curve.ranking)
        label = f"{curve.name}: AP {curve.average_precision}"
        axes.step(np.append(0.0, recall), np.append(precision[0], precision), **plotting.line(number), label=label)
    if results.threshold and drawn:
        share = float((results.test.labels == 1).mean())
        axes.axhline(share, color=plotting.GREY, linestyle=":", linewidth=1.2, label=f"chance {share:.2f}")
        _mark(axes, results, _value(results, "sensitivity"), _value(results, "precision"))
    _label(axes, "Recall (sensitivity)", "Precision", "lower left")
    return figure


def _square(entries: int) -> tuple[Figure, Axes]:
    """Return a figure and axes for a square plot, with room below for a legend of more than a few entries."""
    figure = plotting.canvas(5.6, 5.5 + (0.22 * entries if entries > FEW else 0))
    return figure, figure.subplots()


def _value(results: Results, name: str) -> float:
    return results.estimates.scores[(name,)].value


def _band(results: Results, axes: Axes) -> None:
    """Shade the confidence band of the ROC curve, from bootstrap resamples of whole groups."""
    test, rules = results.test, results.rules
    random = stream(rules.seed, "intervals", "roc")
    score = test.probabilities[:, 1]
    grid, low, high = roc_band(test.labels == 1, score, test.groups, rules.confidence, rules.resamples, random)
    axes.fill_between(grid, low, high, color=plotting.colour(0), alpha=0.15, linewidth=0)


def _mark(axes: Axes, results: Results, x: float, y: float) -> None:
    label = f"threshold {results.threshold.value:.3f}" if results.threshold else ""
    axes.plot(x, y, "o", color=plotting.colour(1), markersize=8, label=label)


def _label(axes: Axes, x: str, y: str, corner: Literal["lower left", "lower right"]) -> None:
    """Label axes from 0 to 1; the legend is in the corner, or below the axes if it has many entries."""
    axes.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) <= FEW:
        axes.legend(handles, labels, loc=corner)
    elif isinstance(axes.figure, Figure):
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=1)


def _roc_caption(material: Material) -> str:
    moves = ", and how much that varies with other groups." if material.results.test.binary else "."
    return f"The share of cases that are found against the share of false alarms, at every threshold{moves}"


FIGURES = (
    FigureEntry(10, "confusion", "Confusion matrix",
        "Every test image by its true and its predicted class: counts, and percent of each true class.",
        lambda of: confusion(of.results.test.labels, of.results.decisions, of.results.test.classes)),
    FigureEntry(20, "roc", "ROC curve", _roc_caption, lambda of: roc(of.results)),
    FigureEntry(30, "precision_recall", "Precision-recall curve",
        "The share of alarms that are right against the share of cases found; chance is the share of cases in test.",
        lambda of: precision_recall(of.results)),
)  # fmt: skip
