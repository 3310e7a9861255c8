"""The confusion matrix: counts beside the fraction of each true class."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.evaluate.gallery import FigureEntry
from src.metrics.curves import divide
from src.metrics.scored import Floats, Integers
from src.metrics.scores import confusion
from src.plotting import style

DARK = 0.55  # of the scale: from here on white text reads better
LONG = 9  # characters of a name that fit under a column


def draw(labels: Integers, decisions: Integers, classes: tuple[str, ...]) -> Figure:
    """Draw both matrices side by side, true classes as rows."""
    counts = confusion(labels, decisions, len(classes))
    fractions = divide(counts.astype(np.float64), counts.sum(axis=1, keepdims=True).astype(np.float64))
    side = max(3.6, 0.62 * len(classes) + 1.9)
    figure = style.canvas(2 * side + 1.4, side + 0.2)
    left, right = figure.subplots(1, 2)
    _matrix(left, counts / max(1, counts.max()), np.vectorize(str)(counts), classes)
    percent = np.vectorize(lambda value: f"{100 * value:.0f} %" if np.isfinite(value) else "-")
    _matrix(right, fractions, percent(fractions), classes)
    left.set_title("Test images")
    right.set_title("Percent of each true class")
    return figure


def _matrix(axes: Axes, shades: Floats, texts: NDArray[np.str_], classes: tuple[str, ...]) -> None:
    names = style.shorten_all(classes, 18)
    axes.imshow(np.nan_to_num(shades), cmap=style.SHADE, vmin=0, vmax=1)
    turned = len(names) > 3 or max(map(len, names)) > 2 * LONG
    axes.set_xticks(range(len(names)), names, rotation=40 if turned else 0, ha="right" if turned else "center")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Predicted class", ylabel="True class")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for (row, column), text in np.ndenumerate(texts):
        tint = "white" if shades[row, column] > DARK else "black"
        axes.text(column, row, text, ha="center", va="center", color=tint, fontsize=13 if len(names) < 4 else 9)


FIGURES = (
    FigureEntry(10, "confusion", "Confusion matrix",
        "Every test image by its true and its predicted class: counts, and percent of each true class.",
        lambda of: draw(of.results.test.labels, of.results.decisions, of.results.test.classes)),
)  # fmt: skip
