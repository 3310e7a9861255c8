"""Figures of the data: images and groups of each class in each part, and histograms of grey or colour levels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from src import plotting
from src.core.partition import PARTS
from src.evaluate.gallery import FigureEntry, Material
from src.evaluate.inputs import Listed, count
from src.metrics.predictions import Floats

HEIGHT = 0.26  # of a bar, as a fraction of the distance between classes
SLOT = 0.85  # inches per class
TITLES = {"before": "As obtained", "after": "As the model sees it"}
STYLES = {"gray": (plotting.GREY, "-"), "red": ("#D55E00", "-"), "green": ("#009E73", "--"), "blue": ("#0072B2", ":")}
STEP = 4  # levels per bin: steps that raise the contrast leave single levels empty
LEVELS = 256


def counts(
    counted: Mapping[tuple[str, str], tuple[int, int]], classes: tuple[str, ...], listed: Sequence[Listed] = ()
) -> Figure:
    """Draw a bar for each class and part; below, if `listed` is given, the numbers of images that the source lists.

    counted: numbers of images and of named groups by (part, label).
    """
    sizes = [len(classes), len(listed)] if listed else [len(classes)]
    figure = plotting.canvas(8.0, sum(0.95 + SLOT * size for size in sizes))
    panels = figure.subplots(len(sizes), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for number, part in enumerate(PARTS):
        cells = [counted.get((part, name), (0, 0)) for name in classes]
        texts = [f"{images} of {groups} groups" if groups else str(images) for images, groups in cells]
        _bars(panels[0], number, number - 1, part, [images for images, _ in cells], texts)
    _finish(panels[0], "In each part", classes)
    if listed:
        found, named = [line.images for line in listed], [line.listed for line in listed]
        _bars(panels[1], len(PARTS), -0.5, "images in the manifest", found, list(map(str, found)))
        _bars(panels[1], len(PARTS) + 1, 0.5, "listed in the source's table", named, list(map(str, named)))
        _finish(panels[1], "In the source", [line.label for line in listed])
    return figure


def _bars(axes: Axes, colour: int, shift: float, label: str, values: Sequence[int], texts: Sequence[str]) -> None:
    places = [place + shift * HEIGHT for place in range(len(values))]
    drawn = axes.barh(places, values, HEIGHT * 0.92, color=plotting.colour(colour), label=label)
    axes.bar_label(drawn, texts, padding=4, fontsize=9)


def _finish(axes: Axes, title: str, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), plotting.shorten_all(names))
    axes.set(xlabel="Images", ylim=(len(names) - 0.5, -0.5))
    axes.set_title(title, loc="left")
    axes.margins(x=0.22)
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.2)


def intensity(shares: Mapping[str, Sequence[float]]) -> Figure:
    """Draw histograms before and after preprocessing; `shares`: arrays (256,) by before_gray, after_red, ...

    The scale is a square root: otherwise a black background would flatten all other levels.
    """
    figure = plotting.canvas(9.0, 3.8)
    handles = {}
    for axes, (stage, title) in zip(figure.subplots(1, 2, sharey=True), TITLES.items(), strict=True):
        axes.set_title(title, loc="left")
        axes.set_yscale("function", functions=(lambda values: np.sqrt(np.maximum(values, 0.0)), np.square))
        for name in STYLES:
            if f"{stage}_{name}" in shares:
                handles[name] = _channel(axes, name, np.asarray(shares[f"{stage}_{name}"]))
        axes.set(xlabel="Level (0 black, 255 full)", xlim=(-3, LEVELS + 2), xticks=[0, 64, 128, 192, 255])
        axes.set_ylim(bottom=0)
    figure.axes[0].set_ylabel(f"Percent of the pixels in {STEP} levels\n(square-root scale)")
    if len(handles) > 1:
        figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=len(handles))
    return figure


def _channel(axes: Axes, name: str, shares: Floats) -> StepPatch:
    edges = np.arange(0, LEVELS + 1, STEP) - 0.5
    percent = 100 * shares.reshape(-1, STEP).sum(axis=1)
    tint, dashes = STYLES[name]
    axes.stairs(percent, edges, fill=True, color=tint, alpha=0.1)
    return axes.stairs(percent, edges, color=tint, linestyle=dashes, linewidth=1.6, label=name)


def _counts_caption(material: Material) -> str:
    text = "The images of each class in each part; a group (patient, slide or source image) is in one part only."
    return text + (" Below: images found in the source, and listed in its own table." if material.listed else "")


FIGURES = (
    FigureEntry(110, "counts", "Images of each class", _counts_caption,
        lambda of: counts(count(of.images), of.results.test.classes, of.listed)),
    FigureEntry(120, "intensity", "Intensities before and after the preparation",
        "The share of pixels at each level, averaged over all images.",
        lambda of: intensity(of.histograms)),
    FigureEntry(121, "levels", "One image of each class beside its own levels",
        "As obtained and as the model sees it; heights grow with the square root of the number of pixels.",
        lambda of: of.levels),
)  # fmt: skip
