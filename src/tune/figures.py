"""The figures of a study, drawn by Optuna: as PNG for a report, and as interactive parts of a page."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import matplotlib
import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna import visualization
from optuna.distributions import CategoricalDistribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import TrialState

from src import plotting
from src.config.overrides import short
from src.metrics.objectives import METRICS
from src.tracking.record import Trial
from src.tune.space import decode
from src.tune.trials_view import TrialsView

COLUMNS = 3  # of panels


@dataclass(frozen=True)
class Kind:
    """A figure: Optuna's function, title, caption, a function that returns what is missing for it, and size in inches.

    both: True if it plots two metrics against each other; otherwise there is one figure for each metric.
    wide: True if a phone is too narrow for it.
    """

    plot: str
    title: str
    caption: str
    missing: Callable[[TrialsView, str], str]
    size: tuple[float, float] = (8.0, 4.6)
    both: bool = False
    wide: bool = False


def _complete(view: TrialsView, least: int = 1) -> str:
    words = "no trial is complete" if least == 1 else f"fewer than {least} trials are complete"
    return words if len(view.complete()) < least else ""


def _varied(view: TrialsView, least: int = 1) -> str:
    named = any(trial.params.get(name) is not None for trial in view.complete() for name in view.space)
    return _complete(view, least) or ("" if named else "nothing is varied")


def _important(view: TrialsView, metric: str) -> str:
    trials: list[Trial] = view.complete()
    shared = [name for name in view.space if all(name in trial.params for trial in trials)]
    if not any(len({short(trial.params[name]) for trial in trials}) > 1 for name in shared):
        return _complete(view, 4) or "no parameter is varied in every trial"
    alike = len({trial.values[metric] for trial in trials}) < 2
    return _complete(view, 4) or ("all trials have the same value" if alike else "")


FIGURES = {
    "history": Kind(
        "plot_optimization_history",
        "History",
        "Each trial in order, and the best score so far; a cross is a pruned trial, at its last score.",
        lambda view, metric: _complete(view),
    ),
    "importance": Kind(
        "plot_param_importances",
        "Importance",
        "How much of the difference between trials each parameter explains (fANOVA).",
        _important,
    ),
    "slices": Kind(
        "plot_slice",
        "Slices",
        "Every complete trial by the value of one parameter; later trials are darker.",
        lambda view, metric: _varied(view),
    ),
    "parallel": Kind(
        "plot_parallel_coordinate",
        "Parallel coordinates",
        "A line for each complete trial through the values of its parameters.",
        lambda view, metric: _varied(view, 2),
        size=(14.0, 5.0),
        wide=True,
    ),
    "pareto": Kind(
        "plot_pareto_front",
        "Pareto front",
        "Both metrics of each trial; no other trial is better in both than a trial on the front.",
        lambda view, metric: _complete(view),
        size=(7.2, 5.0),
        both=True,
    ),
}


def options(kind: Kind, study: optuna.Study, metric: str, seed: int) -> dict[str, Any]:
    """Return the arguments for Optuna's function: a study of one metric, since for two it shows no best so far."""
    labels = [METRICS[name].label for name in study.user_attrs["metrics"]]
    if kind.both:
        return {"study": _readable(study), "target_names": labels}
    place = study.user_attrs["metrics"].index(metric)
    more = {"evaluator": FanovaImportanceEvaluator(seed=seed)} if kind.plot == "plot_param_importances" else {}
    return {"study": _readable(study, place), "target_name": labels[place], **more}


def interactive(kind: Kind, given: dict[str, Any]) -> list[Any]:
    """Return Plotly figures: one, or one for each parameter where Optuna puts panels side by side."""
    plot = getattr(visualization, kind.plot)
    if kind.plot == "plot_slice":
        names = sorted({name for trial in given["study"].get_trials() for name in trial.params})
        return [_quietly(plot, {**given, "params": [name]}) for name in names]
    figure = _quietly(plot, given)
    if kind.plot == "plot_optimization_history" and (numbers := _pruned(given["study"])):
        mark = {"symbol": "x", "color": "#8a5200"}
        figure.add_scatter(x=list(numbers), y=list(numbers.values()), mode="markers", marker=mark, name="Pruned")
    return [figure]


def _pruned(study: optuna.Study) -> dict[int, float]:
    """Return the last score of each pruned trial that reported any, by number."""
    found = study.get_trials(states=(TrialState.PRUNED,))
    return {trial.number: trial.values[0] for trial in found if trial.values}


def drawn(kind: Kind, given: dict[str, Any]) -> Figure:
    """Return a Matplotlib figure, in the style of all figures."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    matplotlib.rcParams |= {"figure.figsize": kind.size, "figure.constrained_layout.use": True, "text.parse_math": True}
    # Optuna's functions switch to the style ggplot; an empty one of that name keeps the present style.
    matplotlib.style.library["ggplot"] = matplotlib.RcParams()
    try:
        axes = _quietly(getattr(visualization.matplotlib, kind.plot), given)
        figure = pyplot.gcf()
    finally:
        matplotlib.style.reload_library()
        pyplot.close("all")
    figure.set_layout_engine("constrained")
    panels = list(np.ravel(axes))
    if len(panels) > 1:
        _in_rows(figure, panels)
    if kind.plot == "plot_optimization_history" and (numbers := _pruned(given["study"])):
        panels[0].scatter(list(numbers), list(numbers.values()), marker="x", color="#8a5200", label="Pruned")
        panels[0].legend()
    for axis in figure.axes:
        axis.set_title("", loc="left")
        axis.set_title("")
        if kind.plot == "plot_parallel_coordinate":
            axis.grid(visible=False)  # otherwise the grid of one parameter crosses the lines of all
            for label in axis.get_yticklabels():
                label.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5})
    return figure


def _in_rows(figure: Figure, panels: list[Any]) -> None:
    """Arrange panels, which Optuna puts side by side, in rows, with one colour bar beside them."""
    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)
    figure.axes[-1].remove()
    figure.suptitle("")
    figure.set_size_inches(3.3 * columns + 0.9, 2.9 * rows)
    grid = figure.add_gridspec(rows, columns)
    for place, panel in enumerate(panels):
        panel.set_subplotspec(grid[place // columns, place % columns])
        panel.tick_params(labelleft=place % columns == 0)
        panel.set_ylabel(panels[0].get_ylabel() if place % columns == 0 else "")
        if sum(len(label.get_text()) for label in panel.get_xticklabels()) > 24 and panel.get_xscale() == "linear":
            panel.tick_params(axis="x", labelrotation=20)
    figure.colorbar(panels[0].collections[0], ax=panels, label="Trial", fraction=0.03, pad=0.02)


def _readable(study: optuna.Study, place: int | None = None) -> optuna.Study:
    """Return a copy of a study with one metric, or all of them, and with lists written as in params.yaml."""
    directions = study.directions if place is None else [study.directions[place]]
    made = optuna.create_study(study_name=study.study_name, directions=directions)
    for trial in study.get_trials():
        for name, found in trial.distributions.items():
            if isinstance(found, CategoricalDistribution):
                trial.params[name] = _text(trial.params[name])
                trial.distributions[name] = CategoricalDistribution([_text(choice) for choice in found.choices])
        if trial.values and place is not None:
            trial.values = [trial.values[place]]
        made.add_trial(trial)
    return made


def _text(choice: Any) -> Any:
    value = decode(choice)
    return choice if value is choice else plotting.shorten(short(value), 24)


def _quietly(plot: Callable[..., Any], given: dict[str, Any]) -> Any:
    logging.getLogger("matplotlib.category").setLevel(logging.WARNING)  # silences a remark on choices that are numbers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plot(**given)
