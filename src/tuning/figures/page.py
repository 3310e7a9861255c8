"""The same figures to be pointed at, in one page that needs no network: it holds plotly.js once."""

import html
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna import visualization
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial

from src.tuning.figures import scales
from src.tuning.seen import Seen

log = logging.getLogger(__name__)
HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{font-family: sans-serif; max-width: 75rem; margin: 1rem auto; padding: 0 1rem; color: #222}}
h2 {{margin: 2rem 0 0; font-size: 1.1rem}} p {{color: #555}} .plotly-graph-div {{overflow-x: auto}}</style>
<script>{plotly}</script></head><body>
<h1>{title}</h1>
<p>{told}</p>
"""
Plot = Callable[[], Any]


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
        if kind in notes:
            parts.append(f"<h2>{html.escape(name)}</h2><p>Left out: {html.escape(notes[kind])}.</p>\n")
        else:
            parts.append(f"<h2>{html.escape(name)}</h2>{_div(plot(), len(parts))}\n")
    return "".join([*parts, "</body></html>\n"])


def _div(figure: Any, number: int) -> str:
    figure.update_layout(template="plotly_white", title=None, margin={"t": 30})
    text = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"figure-{number}")
    return str(text)


def _plots(study: optuna.Study, seen: Seen, seed: int) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for place, metric in enumerate(seen.goals):
        of = (
            {"target": _target(place), "target_name": scales.title(metric)}
            if len(seen.goals) > 1
            else {"target_name": scales.title(metric)}
        )
        end = f": {scales.title(metric)}"
        plots |= {
            f"history{end}": _quiet(visualization.plot_optimization_history, study, **of),
            f"importance{end}": _quiet(
                visualization.plot_param_importances, study, evaluator=FanovaImportanceEvaluator(seed=seed), **of
            ),
            f"slices{end}": _quiet(visualization.plot_slice, study, **of),
            f"parallel{end}": _quiet(visualization.plot_parallel_coordinate, study, **of),
        }
    if len(seen.goals) == 2:
        names = [scales.title(metric) for metric in seen.goals]
        plots["pareto"] = _quiet(visualization.plot_pareto_front, study, target_names=names)
    return plots


def _quiet(plot: Callable[..., Any], study: optuna.Study, **options: Any) -> Plot:
    def draw() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plot(study, **options)

    return draw


def _target(place: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: float(trial.values[place])
