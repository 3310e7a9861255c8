"""How many images and groups of each class stand in each part."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from src.evaluation.figures import style

PARTS = ("train", "val", "test")
HEIGHT = 0.26  # of a bar, the distance between classes being 1


def draw(counts: Mapping[tuple[str, str], tuple[int, int]], classes: tuple[str, ...]) -> Figure:
    """Draw a bar a class and part; counts by (part, label): images and named groups."""
    figure = style.canvas(8.0, 1.3 + 0.85 * len(classes))
    axes = figure.subplots()
    for number, part in enumerate(PARTS):
        cells = [counts.get((part, name), (0, 0)) for name in classes]
        places = [place + (number - 1) * HEIGHT for place in range(len(classes))]
        bars = axes.barh(places, [images for images, _ in cells], HEIGHT * 0.92, color=style.colour(number), label=part)
        axes.bar_label(bars, [_text(*cell) for cell in cells], padding=4, fontsize=9)
    axes.set_yticks(range(len(classes)), style.shorten_all(classes))
    axes.invert_yaxis()
    axes.set(xlabel="Images")
    axes.margins(x=0.22)
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _text(images: int, groups: int) -> str:
    return f"{images} of {groups} groups" if groups else str(images)
