"""How much each parameter decides, by functional analysis of variance (Hutter, Hoos, Leyton-Brown 2014)."""

from collections.abc import Callable

import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial

from src.evaluation.figures import style
from src.tuning.figures import NotDrawn, scales
from src.tuning.seen import Seen

FEWEST = 4  # complete trials: of fewer nothing can be said
NOTE = "share of the variance between complete trials; a parameter that not every trial has is left out"


def shares(study: optuna.Study, seen: Seen, seed: int) -> dict[str, dict[str, float]]:
    """Give for each metric the shares of the parameters that all complete trials have; they sum to 1.

    Raises:
        NotDrawn: the trials are too few, or all the same.
    """
    if len(seen.having("complete")) < FEWEST:
        raise NotDrawn(f"fewer than {FEWEST} trials are complete")
    found = {}
    for place, metric in enumerate(seen.goals):
        if len({one.values[metric] for one in seen.having("complete")}) < 2:
            raise NotDrawn("all trials have the same value")
        evaluator = FanovaImportanceEvaluator(seed=seed)
        found[metric] = get_param_importances(study, evaluator=evaluator, target=_target(place))
    if not any(found.values()):
        raise NotDrawn("no parameter is varied in every trial")
    return found


def draw(study: optuna.Study, seen: Seen, seed: int) -> Figure:
    """Draw a bar for each parameter and metric, the most important on top."""
    found = shares(study, seen, seed)
    order = list(reversed(found[seen.metric]))
    figure = style.canvas(8.0, 1.5 + 0.42 * len(order) * max(1, 0.75 * len(found)))
    axes = figure.subplots()
    thickness = 0.75 / len(found)
    for number, (metric, values) in enumerate(found.items()):
        places = np.arange(len(order)) - thickness * (number - (len(found) - 1) / 2)
        bars = axes.barh(
            places, [values[name] for name in order], thickness, color=style.colour(number), label=scales.title(metric)
        )
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
    axes.set_yticks(range(len(order)), order)
    axes.set(xlabel=f"Importance: {NOTE.split(';')[0]}", xlim=(0, 1.08))
    axes.grid(visible=False, axis="y")
    if len(found) > 1:
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _target(place: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: float(trial.values[place])
