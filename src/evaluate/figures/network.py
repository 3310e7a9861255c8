"""The network as a row of boxes: how large its maps are and how many there are of them, from image to output."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from src.evaluate.gallery import FigureEntry
from src.evaluate.predict import Layer
from src.plotting import style

DRAWN = {"Conv": 0, "Pool": 1, "Dense": 2}  # by a part of the class's name; other layers change no shape
NAMES = ("convolution", "pooling", "dense")
MOST, LABELS = 80, 24  # layers that are drawn, and those that are labelled
GAP = 0.6


def draw(layers: list[Layer]) -> Figure | None:
    """Draw each layer as high as the root of its map's height, as wide as the logarithm of the number of maps."""
    drawn = [(layer, number) for layer in layers if layer.shape for part, number in DRAWN.items() if part in layer.kind]
    if not drawn or len(drawn) > MOST:
        return None
    figure = style.canvas(9.0, 3.6)
    axes = figure.subplots()
    left, highest, labelled = 0.0, max(_sizes(layer)[0] for layer, _ in drawn), len(drawn) <= LABELS
    for layer, number in drawn:
        height, width = _sizes(layer)
        axes.add_patch(Rectangle((left, -height / 2), width, height, color=style.colour(number), alpha=0.8, lw=0))
        if labelled:
            label = f"{layer.output}\n{layer.parameters:,}"
            axes.text(left + width / 2, -highest / 2 - 0.4, label, rotation=90, ha="center", va="top", fontsize=7)
        left += width + GAP
    axes.set(xlim=(-GAP, left), ylim=(-highest * (1.25 if labelled else 0.6), highest * 0.6))
    axes.axis("off")
    used = sorted({number for _, number in drawn})
    handles = [Patch(color=style.colour(number), alpha=0.8, label=NAMES[number]) for number in used]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _sizes(layer: Layer) -> tuple[float, float]:
    sides = [side or 1 for side in layer.shape]
    return (float(np.sqrt(sides[0])) if len(sides) > 1 else 1.0), 0.25 + 0.15 * float(np.log2(1 + sides[-1]))


FIGURES = (
    FigureEntry(130, "network", "The network",
        "From left to right, as high as its maps and as wide as there are many; below: shape and number of weights.",
        lambda of: draw(of.layers)),
)  # fmt: skip
