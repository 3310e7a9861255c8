"""How many images and groups of each class stand in each part, and what the source's own table lists."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.core.partition import PARTS
from src.evaluate.gallery import FigureEntry
from src.evaluate.inputs import Listed, count
from src.plotting import style

HEIGHT = 0.26  # of a bar, the distance between classes being 1
SLOT = 0.85  # inches a class


def draw(
    counts: Mapping[tuple[str, str], tuple[int, int]], classes: tuple[str, ...], listed: Sequence[Listed] = ()
) -> Figure:
    """Draw a bar a class and part, and below it the source's own figures where it has any.

    counts: images and named groups by (part, label).
    """
    sizes = [len(classes), len(listed)] if listed else [len(classes)]
    figure = style.canvas(8.0, sum(0.95 + SLOT * size for size in sizes))
    panels = figure.subplots(len(sizes), 1, squeeze=False, height_ratios=sizes)[:, 0]
    columns = {part: [counts.get((part, name), (0, 0)) for name in classes] for part in PARTS}
    texts = {part: [_text(*cell) for cell in cells] for part, cells in columns.items()}
    _bars(panels[0], "In each part", classes, {part: [n for n, _ in cells] for part, cells in columns.items()}, texts)
    if listed:
        bars = {
            "images in the manifest": [line.images for line in listed],
            "listed in the source's table": [line.listed for line in listed],
        }
        _bars(panels[1], "In the source", [line.label for line in listed], bars, {}, first=len(PARTS))
    return figure


def _bars(
    axes: Axes,
    title: str,
    names: Sequence[str],
    bars: Mapping[str, Sequence[int]],
    texts: Mapping[str, Sequence[str]],
    first: int = 0,
) -> None:
    for number, (label, values) in enumerate(bars.items()):
        shift = (number - (len(bars) - 1) / 2) * HEIGHT
        places = [place + shift for place in range(len(names))]
        drawn = axes.barh(places, values, HEIGHT * 0.92, color=style.colour(first + number), label=label)
        axes.bar_label(drawn, texts.get(label) or [str(value) for value in values], padding=4, fontsize=9)
    axes.set_yticks(range(len(names)), style.shorten_all(names))
    axes.set(xlabel="Images", ylim=(len(names) - 0.5, -0.5))
    axes.set_title(title, loc="left")
    axes.margins(x=0.22)
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.2)


def _text(images: int, groups: int) -> str:
    return f"{images} of {groups} groups" if groups else str(images)


FIGURES = (
    FigureEntry(
        110,
        "counts",
        "Images of each class",
        lambda material: (
            "How the images of each class are divided; "
            "a group (patient, slide or source image) stands in one part only."
            + (" Below: what the source holds, and what its own table lists." if material.listed else "")
        ),
        lambda material: draw(count(material.images), material.results.test.classes, material.listed),
    ),
)
