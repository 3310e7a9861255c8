"""All parameters of all trials at once: a line for each trial, from axis to axis."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from src.evaluation.figures import style
from src.tuning.figures import NotDrawn, scales
from src.tuning.figures.scales import Scale
from src.tuning.seen import Seen, Trial

COLOURS = "cividis_r"  # the better, the darker
ABSENT = -0.09  # where a trial passes an axis that it has no value on
FEWEST = 2
LINE = 0.9


def draw(seen: Seen) -> Figure:
    """Draw complete trials coloured by the first metric, the better the darker and in front; pruned ones dotted."""
    complete = seen.having("complete")
    names = [name for name in seen.space if any(name in one.params for one in complete)]
    if len(complete) < FEWEST or not names:
        raise NotDrawn("fewer than two trials are complete" if names or not complete else "nothing is varied")
    axis = {name: Scale.of(seen.space[name]) for name in names}
    values = {name: _of_metric([one.values[name] for one in complete]) for name in seen.goals}
    figure = style.canvas(max(6.4, 1.55 * (len(axis) + len(values)) + 1.2), 4.8)
    axes = figure.subplots()
    _axes(axes, [*axis.items(), *((scales.title(name), scale) for name, scale in values.items())])
    for one in seen.having("pruned"):
        places = _places(one, seen, axis)
        axes.plot(range(len(places)), places, color=style.GREY, alpha=0.35, linewidth=0.8, linestyle=":")
    norm = Normalize(values[seen.metric].low, values[seen.metric].high)
    upwards = seen.goals[seen.metric] == "maximize"
    colours = matplotlib.colormaps[COLOURS if upwards else COLOURS.removesuffix("_r")]
    for one in sorted(complete, key=lambda one: one.values[seen.metric], reverse=not upwards):
        places = _places(one, seen, axis) + [values[name].share(one.values[name]) for name in seen.goals]
        axes.plot(range(len(places)), places, color=colours(norm(one.values[seen.metric])), linewidth=1.3, alpha=LINE)
    figure.colorbar(ScalarMappable(norm, colours), ax=axes, label=scales.title(seen.metric), fraction=0.03, pad=0.04)
    return figure


def _of_metric(values: list[float]) -> Scale:
    low, high = scales.limits(values) if min(values) == max(values) else (min(values), max(values))
    return Scale(low, high)


def _places(one: Trial, seen: Seen, axis: dict[str, Scale]) -> list[float]:
    places = []
    for name, scale in axis.items():
        here = scale.share(scales.place(one.params[name], seen.space[name])) if name in one.params else ABSENT
        places.append(here if np.isfinite(here) else ABSENT)
    return places


def _axes(axes: Axes, named: list[tuple[str, Scale]]) -> None:
    for place, (_, scale) in enumerate(named):
        axes.axvline(place, color="black", linewidth=0.8, ymin=0.1, ymax=0.97)
        for height, label in scale.ticks():
            axes.annotate(
                label,
                (place, height),
                (4, 0),
                textcoords="offset points",
                fontsize=8,
                va="center",
                bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
                zorder=5,
            )
    axes.set_xticks(range(len(named)), [name.replace(".", ".\n", 1) for name, _ in named])
    axes.set(xlim=(-0.2, len(named) - 0.45), ylim=(-0.14, 1.04))
    axes.set_yticks([0.0, ABSENT], ["", "not varied"])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
