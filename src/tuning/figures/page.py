"""The same figures to be pointed at, in one page that needs no network: it holds plotly.js once."""

import html
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import optuna
from optuna import visualization
from optuna.importance import FanovaImportanceEvaluator

from src.tuning.figures import scales
from src.tuning.seen import Seen
from src.tuning.space import ENCODED

log = logging.getLogger(__name__)
HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{font-family: sans-serif; max-width: 75rem; margin: 1rem auto; padding: 0 1rem; color: #222}}
h2 {{margin: 2rem 0 0; font-size: 1.1rem}} p {{color: #555}} .plotly-graph-div {{overflow-x: auto}}</style>
<script>{plotly}</script></head><body>
<h1>{title}</h1>
<p>{told}</p>
"""
Plot = Callable[..., Any]


def render(study: optuna.Study, seen: Seen, notes: Mapping[str, str], seed: int) -> str:
    """Give the page as HTML; notes say by name which figures are left out, and why."""
    from plotly.offline import get_plotlyjs

    states = [one.state for one in seen.trials]
    told = ", ".join(f"{states.count(state)} {state}" for state in ("complete", "pruned", "failed"))
    parts = [
        HEAD.format(title=f"Study {html.escape(study.study_name)}", plotly=get_plotlyjs(), told=f"Trials: {told}.")
    ]
    for name, plot in _plots(study, seen, seed).items():
        kind = name.split(":")[0]
        head = f"<h2>{html.escape(kind.capitalize() + name.removeprefix(kind))}</h2>"
        if kind in notes:
            parts.append(f"{head}<p>Left out: {html.escape(notes[kind])}.</p>\n")
        else:
            parts.append(f"{head}{_div(plot(), len(parts))}\n")
    return "".join([*parts, "</body></html>\n"])


def _div(figure: Any, number: int) -> str:
    figure.update_layout(template="plotly_white", title=None, margin={"t": 30})
    text = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"figure-{number}")
    return re.sub(rf"{ENCODED}(?=[\[{{])", "", str(text))  # a list is shown as it is written


def _plots(study: optuna.Study, seen: Seen, seed: int) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    evaluator = FanovaImportanceEvaluator(seed=seed)
    for place, metric in enumerate(seen.goals):
        name = scales.title(metric)
        alone = partial(_quiet, study=_alone(study, place), target_name=name)
        plots |= {
            f"history: {name}": partial(alone, visualization.plot_optimization_history),
            f"importance: {name}": partial(alone, visualization.plot_param_importances, evaluator=evaluator),
            f"slices: {name}": partial(alone, visualization.plot_slice),
            f"parallel: {name}": partial(alone, visualization.plot_parallel_coordinate),
        }
    if len(seen.goals) == 2:
        names = [scales.title(metric) for metric in seen.goals]
        plots["pareto"] = partial(_quiet, visualization.plot_pareto_front, study=study, target_names=names)
    return plots


def _alone(study: optuna.Study, place: int) -> optuna.Study:
    """Give a study of one of the metrics: of two, Optuna shows neither the best so far nor which end is better."""
    if len(study.directions) == 1:
        return study
    alone = optuna.create_study(study_name=study.study_name, direction=study.directions[place])
    for trial in study.get_trials():
        if trial.values:
            trial.values = [trial.values[place]]
        alone.add_trial(trial)
    return alone


def _quiet(plot: Plot, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plot(**options)
