"""Write the results of a study: its tables, its figures, and a page of them that works offline."""

import base64
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import optuna
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from src import plotting
from src.config.overrides import short
from src.core import files
from src.core.paths import StudyFiles
from src.metrics.objectives import METRICS
from src.tracking.record import State, Trial
from src.tune import figures
from src.tune.figures import FIGURES, Kind
from src.tune.trials_view import TrialsView, view, write_candidates, write_trials

log = logging.getLogger(__name__)
TEMPLATE = Path(__file__).with_name("study.html.j2")
SHOWN = 10  # trials of the table before the rest is folded away
QUALITY = 80  # of WebP, for printing
NOTHING = "-"
STATES = get_args(State)  # in the order of the table


def write(study: optuna.Study, seed: int, out: StudyFiles) -> None:
    """Write trials.csv, candidates.json, a PNG for each figure with enough trials, and study.html.

    The same trials and seed give the same bytes.
    """
    found = view(study)
    write_trials(found, out)
    write_candidates(found, out)
    with plotting.applied(), files.replacing(out.figures) as temporary:
        temporary.mkdir()
        parts = [_figure(study, found, seed, temporary, *wanted) for wanted in _wanted(found)]
    files.write_text(out.page, page(found, parts))


def page(found: TrialsView, parts: list[dict[str, Any]]) -> str:
    """Return the page: best trial and baseline, the table of trials, the figures."""
    from plotly.offline import get_plotlyjs

    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    counts = ", ".join(f"{found.count(state)} {state}" for state in STATES)
    named = [*(METRICS[name].label for name in found.goals), *(name.rpartition(".")[2] for name in found.space)]
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=found.name,
        plotly=Markup(get_plotlyjs()),
        counts=f"{len(found.trials)} trials: {counts}",
        cards=list(_cards(found)),
        columns=["trial", "state", *named, "epochs", "remark"],
        rows=[
            _row(one, found)
            for one in sorted(found.trials, key=lambda one: (STATES.index(one.state), *found.rank(one)))
        ],
        shown=SHOWN,
        figures=parts,
    )


def _cards(found: TrialsView) -> Iterator[dict[str, Any]]:
    """Describe the best trial and the baseline, and mark the values in which they differ."""
    best = next(iter(found.ranked()), None)
    if best:
        params = [(key, short(value), found.baseline.get(key) != value) for key, value in best.params.items()]
        note = f"the best {METRICS[found.metric].label} of {len(found.complete())} complete trials"
        yield {"title": f"Best: trial {best.number}", "score": _scores(best.values), "note": note, "params": params}
    if found.baseline:
        same = next((trial for trial in found.complete() if _plain(trial.params) == _plain(found.baseline)), None)
        note = f"params.yaml when the study began{f', as trial {same.number}' if same else ''}"
        other = best.params if best else {}
        params = [(key, short(value), other.get(key, value) != value) for key, value in found.baseline.items()]
        score = _scores(same.values) if same else "not tried"
        yield {"title": "Baseline", "score": score, "note": note, "params": params}


def _plain(params: Mapping[str, Any]) -> dict[str, str]:
    return {key: short(value) for key, value in params.items()}


def _scores(values: Mapping[str, float]) -> str:
    return ", ".join(short(value) for value in values.values())


def _row(trial: Trial, found: TrialsView) -> list[str]:
    scores = [short(trial.values[name]) if name in trial.values else NOTHING for name in found.goals]
    params = [short(trial.params[name]) if name in trial.params else NOTHING for name in found.space]
    reused = "" if trial.reused_from is None else f"as trial {trial.reused_from}"
    return [str(trial.number), trial.state, *scores, *params, str(len(trial.rows) or NOTHING), trial.reason or reused]


def _wanted(found: TrialsView) -> Iterator[tuple[str, Kind, str]]:
    """List the figures: one for each metric, or one for two metrics together."""
    for name, kind in FIGURES.items():
        if not kind.both:
            yield from ((name, kind, metric) for metric in found.goals)
        elif len(found.goals) == 2:
            yield name, kind, found.metric


def _figure(
    study: optuna.Study, found: TrialsView, seed: int, folder: Path, name: str, kind: Kind, metric: str
) -> dict[str, Any]:
    """Write a figure as PNG to a folder, and return its content for the page."""
    title = kind.title if kind.both else f"{kind.title}: {METRICS[metric].label}"
    part = {"title": title, "caption": kind.caption, "kind": "needs-width" if kind.wide else "", "missing": ""}
    if missing := kind.missing(found, metric):
        log.info("figure %s left out: %s", name, missing)
        return part | {"missing": missing}
    given = figures.options(kind, study, metric, seed)
    path = folder / f"{name if kind.both or metric == found.metric else f'{name}_{metric}'}.png"
    plotting.save(figures.drawn(kind, given), path)
    plots = []
    for place, plot in enumerate(figures.interactive(kind, given)):
        plot.update_layout(template="plotly_white", title=None, margin={"t": 30, "l": 55, "r": 20, "b": 50}, width=None)
        plot.update_layout(autosize=True, height=None if kind.wide else 340, legend={"orientation": "h", "y": 1.15})
        options = {"full_html": False, "include_plotlyjs": False, "config": {"responsive": True}}
        plots.append(Markup(plot.to_html(div_id=f"{path.stem}-{place}", **options)))
    return part | {"plots": plots, "picture": _picture(path)}


def _picture(path: Path) -> str:
    if not path.stat().st_size:
        return ""
    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, "WEBP", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
