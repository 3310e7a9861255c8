"""Writes what a study found: its tables, its figures, and a page of them that needs no network."""

import html
import logging
from collections.abc import Iterator

import optuna

from src.core import files
from src.core.paths import StudyFiles
from src.plotting import style
from src.tune import figures, study_tables
from src.tune.figures import FIGURES, Kind
from src.tune.metric import METRICS
from src.tune.trials_view import TrialsView, view

log = logging.getLogger(__name__)
HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{font-family: sans-serif; max-width: 75rem; margin: 1rem auto; padding: 0 1rem; color: #222}}
h2 {{margin: 2rem 0 0; font-size: 1.1rem}} p {{color: #555}} .plotly-graph-div {{overflow-x: auto}}</style>
<script>{plotly}</script></head><body>
<h1>{title}</h1>
<p>Trials: {counts}.</p>
"""


def write(study: optuna.Study, seed: int, out: StudyFiles) -> None:
    """Write trials.csv, candidates.json, a PNG for each figure that the trials are enough for, and study.html.

    The same trials and seed give the same bytes.
    """
    found = view(study)
    study_tables.write_trials(found, out)
    study_tables.write_candidates(found, out)
    parts = [_head(found)]
    with style.applied(), files.replacing(out.figures) as temporary:
        temporary.mkdir()
        for name, kind, metric in _wanted(found):
            title = name.capitalize() if kind.both else f"{name.capitalize()}: {METRICS[metric].label}"
            parts.append(f"<h2>{html.escape(title)}</h2>")
            if missing := kind.missing(found, metric):
                log.info("figure %s left out: %s", name, missing)
                parts.append(f"<p>Left out: {html.escape(missing)}.</p>\n")
                continue
            given = figures.options(kind, study, metric, seed)
            file = name if kind.both or metric == found.metric else f"{name}_{metric}"
            style.save(figures.drawn(kind, given), temporary / f"{file}.png")
            plot = figures.interactive(kind, given)
            plot.update_layout(template="plotly_white", title=None, margin={"t": 30})
            parts.append(plot.to_html(full_html=False, include_plotlyjs=False, div_id=f"figure-{len(parts)}") + "\n")
    files.write_text(out.page, "".join([*parts, "</body></html>\n"]))


def _wanted(found: TrialsView) -> Iterator[tuple[str, Kind, str]]:
    """List the figures: of each metric one, or one of two metrics."""
    for name, kind in FIGURES.items():
        if not kind.both:
            yield from ((name, kind, metric) for metric in found.goals)
        elif len(found.goals) == 2:
            yield name, kind, found.metric


def _head(found: TrialsView) -> str:
    from plotly.offline import get_plotlyjs

    counts = ", ".join(f"{found.count(state)} {state}" for state in ("complete", "pruned", "failed"))
    return HEAD.format(title=f"Study {html.escape(found.name)}", plotly=get_plotlyjs(), counts=counts)
