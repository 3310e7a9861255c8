"""Figures of the training: learning curves of train and val, and the layers of the network as boxes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from src import plotting
from src.evaluate.gallery import FigureEntry
from src.evaluate.predict import Layer

TITLES = {"loss": "Loss", "accuracy": "Accuracy", "auc": "ROC AUC", "precision": "Precision", "recall": "Recall"}
RATE = "learning_rate"
FEW = 25  # epochs up to which points are marked, so that even a single epoch is visible
COLUMNS = 3
History = Mapping[str, Sequence[float]]
DRAWN = {"Conv": 0, "Pool": 1, "Dense": 2}  # by part of the class name; other layers do not change the shape
NAMES = ("convolution", "pooling", "dense")
MOST, LABELS = 80, 24  # most layers that are drawn, and that are labelled
GAP = 0.6


def curves(history: History) -> Figure:
    """Draw loss, accuracy, AUC, precision and recall by epoch, if history has them, with the best epoch marked."""
    plotted = [name for name in TITLES if name in history] or ["loss"]
    plotted += [RATE] if len(set(history.get(RATE, ()))) > 1 else []
    columns = min(COLUMNS, len(plotted))
    rows = -(-len(plotted) // columns)
    figure = plotting.canvas(3.5 * columns + 0.4, 2.8 * rows + 0.6)
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
    """Return the first epoch with the lowest val loss, whose weights the model has; None without val losses."""
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
            axes.plot(epochs, history[column], marker=marker, markersize=3, **plotting.line(number), label=label)
    if best is None:
        return
    axes.axvline(best, color=plotting.GREY, linestyle=":", linewidth=1.4, label=f"best epoch ({best:.0f})")
    if f"val_{name}" in history:
        value = history[f"val_{name}"][epochs.index(best)]
        ring: dict[str, Any] = {"markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.8}
        axes.plot([best], [value], "o", color=plotting.colour(1), **ring)
        axes.set_title(f"val {value:.3f} at best", loc="right", fontsize=9, color=plotting.GREY)


def _rate(axes: Axes, history: History) -> None:
    marker = "o" if len(history["epoch"]) <= FEW else ""
    axes.plot(history["epoch"], history[RATE], marker=marker, markersize=3, color=plotting.colour(2))
    axes.set_title("Learning rate", loc="left")
    axes.set_ylim(bottom=0)


def network(layers: list[Layer]) -> Figure | None:
    """Draw layers as boxes: height by the root of the map height, width by the logarithm of the number of maps."""
    drawn = [(layer, number) for layer in layers if layer.shape for part, number in DRAWN.items() if part in layer.kind]
    if not drawn or len(drawn) > MOST:
        return None
    figure = plotting.canvas(9.0, 3.6)
    axes = figure.subplots()
    left, highest, labelled = 0.0, max(_sizes(layer)[0] for layer, _ in drawn), len(drawn) <= LABELS
    for layer, number in drawn:
        height, width = _sizes(layer)
        axes.add_patch(Rectangle((left, -height / 2), width, height, color=plotting.colour(number), alpha=0.8, lw=0))
        if labelled:
            label = f"{layer.output}\n{layer.parameters:,}"
            axes.text(left + width / 2, -highest / 2 - 0.4, label, rotation=90, ha="center", va="top", fontsize=7)
        left += width + GAP
    axes.set(xlim=(-GAP, left), ylim=(-highest * (1.25 if labelled else 0.6), highest * 0.6))
    axes.axis("off")
    used = sorted({number for _, number in drawn})
    handles = [Patch(color=plotting.colour(number), alpha=0.8, label=NAMES[number]) for number in used]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _sizes(layer: Layer) -> tuple[float, float]:
    sides = [side or 1 for side in layer.shape]
    return (float(np.sqrt(sides[0])) if len(sides) > 1 else 1.0), 0.25 + 0.15 * float(np.log2(1 + sides[-1]))


FIGURES = (
    FigureEntry(70, "learning", "Learning curves",
        "The course of the training; the model has the weights of the epoch with the lowest val loss.",
        lambda of: curves(of.history) if of.history.get("epoch") else None),
    FigureEntry(130, "network", "The network",
        "Layers from left to right: higher for larger maps, wider for more maps; below: shape and number of weights.",
        lambda of: network(of.layers)),
)  # fmt: skip
