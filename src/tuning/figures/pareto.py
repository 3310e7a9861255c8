"""Two objectives against each other: what no other trial beats in both."""

from matplotlib.figure import Figure

from src.evaluation.figures import style
from src.tuning.figures import NotDrawn, scales
from src.tuning.seen import Seen

APART = 18  # pixels between two numbers
WIDE = 30  # times from the smallest to the largest value: an axis over orders of magnitude then


def draw(seen: Seen) -> Figure:
    """Draw all complete trials, and those on the front joined and numbered."""
    if len(seen.goals) != 2:
        raise NotDrawn("there is one objective")
    complete = seen.having("complete")
    if not complete:
        raise NotDrawn("no trial is complete")
    first, second = seen.goals
    front = sorted(seen.front(), key=lambda one: (one.values[second], one.values[first]))
    figure = style.canvas(7.2, 5.0)
    axes = figure.subplots()
    axes.scatter(
        [one.values[second] for one in complete],
        [one.values[first] for one in complete],
        s=26,
        color="white",
        edgecolors=style.GREY,
        linewidths=1.0,
        label="complete",
    )
    axes.plot(
        [one.values[second] for one in front],
        [one.values[first] for one in front],
        marker="o",
        markersize=6,
        color=style.colour(1),
        linewidth=1.4,
        label="no other is better in both",
    )
    axes.set(xlabel=scales.title(second), ylabel=scales.title(first))
    values = [one.values[second] for one in complete]
    if min(values) > 0 and max(values) > WIDE * min(values):
        scales.logarithmic(axes)
    scales.thousands(axes.xaxis, values)
    scales.thousands(axes.yaxis, [one.values[first] for one in complete])
    figure.canvas.draw()  # only then it is known where on the page a point lies
    last: tuple[float, float] | None = None
    for one in front:
        here = axes.transData.transform((one.values[second], one.values[first]))
        if last is None or max(abs(here[0] - last[0]), abs(here[1] - last[1])) > APART:
            place = one.values[second], one.values[first]
            axes.annotate(str(one.number), place, (5, 5), textcoords="offset points", fontsize=9)
            last = float(here[0]), float(here[1])
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
