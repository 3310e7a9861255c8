"""The figures of a study, drawn by Optuna: as PNG for a report, and as parts of a page that can be pointed at."""

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

from src.plotting import style
from src.tracking.record import Trial
from src.tune.metric import METRICS
from src.tune.overrides import short
from src.tune.space import decode
from src.tune.trials_view import TrialsView

COLUMNS = 3  # of panels


@dataclass(frozen=True)
class Kind:
    """A figure: Optuna's function for it, what the trials lack for it if anything, and its size in inches.

    both: whether it shows two metrics against each other; else there is one figure for each.
    """

    plot: str
    missing: Callable[[TrialsView, str], str]
    size: tuple[float, float] = (8.0, 4.6)
    both: bool = False


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
    "history": Kind("plot_optimization_history", lambda view, metric: _complete(view)),
    "importance": Kind("plot_param_importances", _important),
    "slices": Kind("plot_slice", lambda view, metric: _varied(view)),
    "parallel": Kind("plot_parallel_coordinate", lambda view, metric: _varied(view, 2), size=(14.0, 5.0)),
    "pareto": Kind("plot_pareto_front", lambda view, metric: _complete(view), size=(7.2, 5.0), both=True),
}


def options(kind: Kind, study: optuna.Study, metric: str, seed: int) -> dict[str, Any]:
    """Return what Optuna's function is called with: a study of one metric, for of two it shows no best so far."""
    labels = [METRICS[name].label for name in study.user_attrs["metrics"]]
    if kind.both:
        return {"study": _readable(study), "target_names": labels}
    place = study.user_attrs["metrics"].index(metric)
    more = {"evaluator": FanovaImportanceEvaluator(seed=seed)} if kind.plot == "plot_param_importances" else {}
    return {"study": _readable(study, place), "target_name": labels[place], **more}


def interactive(kind: Kind, given: dict[str, Any]) -> Any:
    """Return a figure of plotly."""
    return _quietly(getattr(visualization, kind.plot), given)


def drawn(kind: Kind, given: dict[str, Any]) -> Figure:
    """Return a figure of matplotlib, in the style of all figures."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    matplotlib.rcParams |= {"figure.figsize": kind.size, "figure.constrained_layout.use": True, "text.parse_math": True}
    # Optuna's functions set this style by its name; the one that is in use stays.
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
    for axis in figure.axes:
        axis.set_title("", loc="left")
        axis.set_title("")
        if kind.plot == "plot_parallel_coordinate":
            axis.grid(visible=False)  # else that of one parameter crosses the lines of all
            for label in axis.get_yticklabels():
                label.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5})
    return figure


def _in_rows(figure: Figure, panels: list[Any]) -> None:
    """Lay panels, which Optuna puts side by side, in rows, with one colour bar beside them."""
    rows = ceil(len(panels) / COLUMNS)
    figure.axes[-1].remove()
    figure.suptitle("")
    figure.set_size_inches(3.3 * COLUMNS + 0.9, 2.9 * rows)
    grid = figure.add_gridspec(rows, COLUMNS)
    for place, panel in enumerate(panels):
        panel.set_subplotspec(grid[place // COLUMNS, place % COLUMNS])
        panel.tick_params(labelleft=place % COLUMNS == 0)
        panel.set_ylabel(panels[0].get_ylabel() if place % COLUMNS == 0 else "")
        if sum(len(label.get_text()) for label in panel.get_xticklabels()) > 24 and panel.get_xscale() == "linear":
            panel.tick_params(axis="x", labelrotation=20)
    figure.colorbar(panels[0].collections[0], ax=panels, label="Trial", fraction=0.03, pad=0.02)


def _readable(study: optuna.Study, place: int | None = None) -> optuna.Study:
    """Return a study with one of the metrics, or all, whose lists are written as in params.yaml."""
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
    return choice if value is choice else style.shorten(short(value), 24)


def _quietly(plot: Callable[..., Any], given: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plot(**given)
