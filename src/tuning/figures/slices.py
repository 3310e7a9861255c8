"""What each parameter did by itself: the value of every trial over the parameter's."""

import math

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.evaluation.figures import style
from src.tuning.figures import NotDrawn, scales
from src.tuning.figures.history import PRUNED
from src.tuning.seen import Seen, Trial

COLUMNS = 3
LATER = "cividis"  # from dark to light: the order of the trials
JITTER = 0.22  # of the distance between two choices


def draw(seen: Seen) -> Figure:
    """Draw a panel for each parameter and metric; later trials are lighter, pruned ones crosses."""
    complete = seen.having("complete")
    if not complete:
        raise NotDrawn("no trial is complete")
    names = [name for name in seen.space if any(name in one.params for one in complete)]
    if not names:
        raise NotDrawn("nothing is varied")
    columns = min(COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    figure = style.canvas(3.3 * columns + 0.9, 2.9 * rows * len(seen.goals) + 0.5)
    grid = figure.subplots(rows * len(seen.goals), columns, squeeze=False)
    for number, metric in enumerate(seen.goals):
        block = grid[number * rows : (number + 1) * rows].ravel()
        for place, axes in enumerate(block):
            if place < len(names):
                _panel(axes, seen, names[place], metric)
                axes.set_ylabel(scales.title(metric) if place % columns == 0 else "")
            else:
                axes.set_visible(False)
    points = grid[0, 0].collections[-1]
    bar = figure.colorbar(points, ax=grid, fraction=0.03, pad=0.02)
    bar.set_label("Trial")
    handles, labels = _legend(figure)
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _panel(axes: Axes, seen: Seen, name: str, metric: str) -> None:
    distribution = seen.space[name]
    scale = scales.Scale.of(distribution)
    for state in ("pruned", "complete"):
        shown = [one for one in seen.trials if one.state == state and name in one.params and metric in one.values]
        x = [scales.place(one.params[name], distribution) + _aside(one, scale) for one in shown]
        y = [one.values[metric] for one in shown]
        if state == "pruned":
            if shown:
                axes.scatter(x, y, label="pruned", **PRUNED)
        else:
            axes.scatter(
                x,
                y,
                s=26,
                c=[one.number for one in shown],
                cmap=LATER,
                vmin=0,
                vmax=max(1, seen.trials[-1].number),
                edgecolors="white",
                linewidths=0.4,
                label="complete",
            )
    axes.set(xlabel=name)
    values = [one.values[metric] for one in seen.trials if metric in one.values]
    axes.set_ylim(*scales.limits(values))
    scales.thousands(axes.yaxis, values)
    scales.lay(axes, scale)


def _aside(one: Trial, scale: scales.Scale) -> float:
    """Move a point of a choice aside, so that equal ones do not cover each other: by its number, not by chance."""
    return JITTER * (2 * float(np.modf(one.number * 0.618034)[0]) - 1) if scale.choices else 0.0


def _legend(figure: Figure) -> tuple[list[Artist], list[str]]:
    found: dict[str, Artist] = {}
    for axes in figure.axes:
        found |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    return list(found.values()), list(found)
