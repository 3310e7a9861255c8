"""The course of the training: every score of train beside that of val."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.evaluation.figures import style

TITLES = {"loss": "Loss", "accuracy": "Accuracy", "auc": "ROC AUC"}
FEW = 25  # epochs: points are marked as well, so that even one epoch shows


def draw(history: Mapping[str, Sequence[float]]) -> Figure:
    """Draw loss, accuracy and AUC by epoch, as far as history has them, with the best epoch marked."""
    shown = [name for name in TITLES if name in history] or ["loss"]
    figure = style.canvas(3.6 * len(shown) + 0.4, 3.7)
    best = best_epoch(history)
    for axes, name in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _panel(axes, history, name, best)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def best_epoch(history: Mapping[str, Sequence[float]]) -> float | None:
    """Give the first epoch with the lowest validation loss, whose weights the model has."""
    losses = np.asarray(history.get("val_loss", []), dtype=np.float64)
    if not np.isfinite(losses).any():
        return None
    return float(history["epoch"][int(np.nanargmin(losses))])


def _panel(axes: Axes, history: Mapping[str, Sequence[float]], name: str, best: float | None) -> None:
    epochs = history["epoch"]
    marker = "o" if len(epochs) <= FEW else ""
    for number, (column, label) in enumerate(((name, "train"), (f"val_{name}", "val"))):
        if column in history:
            axes.plot(epochs, history[column], marker=marker, markersize=3, **style.line(number), label=label)
    if best is not None:
        axes.axvline(best, color=style.GREY, linestyle=":", linewidth=1.4, label=f"best epoch ({best:.0f})")
    axes.set(title=TITLES[name], xlabel="Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
