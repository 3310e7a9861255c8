"""The course of a study: the value of every trial, and the best up to each."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.evaluation.figures import style
from src.tuning.figures import NotDrawn, scales
from src.tuning.seen import Seen, Trial

PRUNED: dict[str, Any] = {"marker": "x", "s": 26, "color": style.GREY, "linewidths": 1.2}
FAILED: dict[str, Any] = {"marker": "|", "s": 60, "color": style.COLOURS[1], "linewidths": 1.6}


def draw(seen: Seen) -> Figure:
    """Draw a panel a metric: complete trials, pruned ones with the last value seen, failed ones on the axis."""
    complete = seen.having("complete")
    if not complete:
        raise NotDrawn("no trial is complete")
    figure = style.canvas(8.4, 0.7 + 3.4 * len(seen.goals))
    for axes, metric in zip(figure.subplots(len(seen.goals), 1, squeeze=False)[:, 0], seen.goals, strict=True):
        _panel(axes, seen, complete, metric)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _panel(axes: Axes, seen: Seen, complete: list[Trial], metric: str) -> None:
    better = max if seen.goals[metric] == "maximize" else min
    course: list[float] = []
    for one in complete:
        course.append(better([*course[-1:], one.values[metric]]))
    numbers = [one.number for one in complete]
    steps = [*numbers, seen.trials[-1].number]
    axes.step(steps, [*course, course[-1]], where="post", color=style.colour(0), label="best so far")
    look: dict[str, Any] = {"color": style.colour(4), "edgecolors": style.colour(0), "linewidths": 0.8}
    axes.scatter(numbers, [one.values[metric] for one in complete], s=24, zorder=3, label="complete", **look)
    pruned = [one for one in seen.trials if one.state == "pruned" and metric in one.values]
    failed = [one.number for one in seen.trials if one.state == "failed"]
    values = [one.values[metric] for one in (*complete, *pruned)]
    axes.set(xlabel="Trial", ylabel=scales.title(metric), ylim=scales.limits(values))
    scales.thousands(axes.yaxis, values)
    if pruned:
        axes.scatter([one.number for one in pruned], [one.values[metric] for one in pruned], label="pruned", **PRUNED)
    if failed:
        axes.scatter(failed, [axes.get_ylim()[0]] * len(failed), clip_on=False, zorder=4, label="failed", **FAILED)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
