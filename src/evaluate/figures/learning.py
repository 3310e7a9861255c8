"""The course of the training: every score of train beside that of val, and the learning rate where it changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.evaluate.gallery import FigureEntry
from src.plotting import style

TITLES = {"loss": "Loss", "accuracy": "Accuracy", "auc": "ROC AUC", "precision": "Precision", "recall": "Recall"}
RATE = "learning_rate"
FEW = 25  # epochs: points are marked as well, so that even one epoch shows
COLUMNS = 3
History = Mapping[str, Sequence[float]]


def draw(history: History) -> Figure:
    """Draw loss, accuracy, AUC, precision and recall by epoch, as far as history has them, the best epoch marked."""
    plotted = [name for name in TITLES if name in history] or ["loss"]
    plotted += [RATE] if len(set(history.get(RATE, ()))) > 1 else []
    columns = min(COLUMNS, len(plotted))
    rows = -(-len(plotted) // columns)
    figure = style.canvas(3.5 * columns + 0.4, 2.8 * rows + 0.6)
    best = best_epoch(history)
    for number, name in enumerate(plotted, start=1):
        axes = figure.add_subplot(rows, columns, number)
        _rate(axes, history) if name == RATE else _score(axes, history, name, best)
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def best_epoch(history: History) -> float | None:
    """Return the first epoch with the lowest validation loss, whose weights the model has."""
    losses = np.asarray(history.get("val_loss", []), dtype=np.float64)
    if not np.isfinite(losses).any():
        return None
    return float(history["epoch"][int(np.nanargmin(losses))])


def _score(axes: Axes, history: History, name: str, best: float | None) -> None:
    epochs = list(history["epoch"])
    marker = "o" if len(epochs) <= FEW else ""
    axes.set_title(TITLES[name], loc="left")
    for number, (column, label) in enumerate(((name, "train"), (f"val_{name}", "val"))):
        if np.isfinite(history.get(column, [])).any():
            axes.plot(epochs, history[column], marker=marker, markersize=3, **style.line(number), label=label)
    if best is None:
        return
    axes.axvline(best, color=style.GREY, linestyle=":", linewidth=1.4, label=f"best epoch ({best:.0f})")
    if f"val_{name}" in history:
        value = history[f"val_{name}"][epochs.index(best)]
        ring: dict[str, Any] = {"markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.8}
        axes.plot([best], [value], "o", color=style.colour(1), **ring)
        axes.set_title(f"val {value:.3f} at best", loc="right", fontsize=9, color=style.GREY)


def _rate(axes: Axes, history: History) -> None:
    marker = "o" if len(history["epoch"]) <= FEW else ""
    axes.plot(history["epoch"], history[RATE], marker=marker, markersize=3, color=style.colour(2))
    axes.set_title("Learning rate", loc="left")
    axes.set_ylim(bottom=0)


FIGURES = (
    FigureEntry(70, "learning", "Learning curves",
        "The course of the training; the model has the weights of the epoch with the lowest val loss.",
        lambda of: draw(of.history) if of.history.get("epoch") else None),
)  # fmt: skip
