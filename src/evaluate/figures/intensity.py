"""How often each grey level or colour occurs in the images, before and after their preparation."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.evaluate.gallery import FigureEntry
from src.metrics.scored import Floats
from src.plotting import style

TITLES = {"before": "As obtained", "after": "As the model sees it"}
STYLES = {"gray": (style.GREY, "-"), "red": ("#D55E00", "-"), "green": ("#009E73", "--"), "blue": ("#0072B2", ":")}
STEP = 4  # levels: steps that raise the contrast leave gaps between single ones
LEVELS = 256


def draw(shares: Mapping[str, Sequence[float]]) -> Figure:
    """Draw a panel before and one after the preparation; shares (256,) of the pixels by before_gray, after_red, ...

    Heights grow with the square root: a black background would flatten all others.
    """
    figure = style.canvas(9.0, 3.8)
    for axes, (stage, title) in zip(figure.subplots(1, 2, sharey=True), TITLES.items(), strict=True):
        axes.set_title(title, loc="left")
        axes.set_yscale("function", functions=(_root, np.square))
        for name in STYLES:
            if f"{stage}_{name}" in shares:
                _channel(axes, name, np.asarray(shares[f"{stage}_{name}"]))
        axes.set(xlabel="Level (0 black, 255 full)", xlim=(-3, LEVELS + 2), xticks=[0, 64, 128, 192, 255])
        axes.set_ylim(bottom=0)
    figure.axes[0].set_ylabel(f"Percent of the pixels in {STEP} levels\n(square-root scale)")
    legends = [axes.get_legend_handles_labels() for axes in figure.axes]
    handles = {label: handle for pair in legends for handle, label in zip(*pair, strict=True)}
    if len(handles) > 1:
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles))
    return figure


def _channel(axes: Axes, name: str, shares: Floats) -> None:
    edges = np.arange(0, LEVELS + 1, STEP) - 0.5
    percent = 100 * shares.reshape(-1, STEP).sum(axis=1)
    tint, dashes = STYLES[name]
    axes.stairs(percent, edges, fill=True, color=tint, alpha=0.1)
    axes.stairs(percent, edges, color=tint, linestyle=dashes, linewidth=1.6, label=name)


def _root(values: Floats) -> Floats:
    return np.sqrt(np.maximum(values, 0.0))


FIGURES = (
    FigureEntry(
        120,
        "intensity",
        "Intensities before and after the preparation",
        "Mean over all images of the share of the pixels at each level.",
        lambda material: draw(material.histograms),
    ),
    FigureEntry(
        121,
        "levels",
        "One image of each class beside its own levels",
        "As obtained and as the model sees it; heights grow with the square root of the number of pixels.",
        lambda material: material.levels,
    ),
)
