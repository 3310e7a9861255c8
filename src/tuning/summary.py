"""Writes what a study found: its table, its figures, and a page of them."""

import logging
from collections.abc import Callable

import optuna
from matplotlib.figure import Figure

from src import files
from src.evaluation.figures import style
from src.paths import Study
from src.tuning import tables
from src.tuning.figures import NotDrawn, history, importance, page, parallel, pareto, slices
from src.tuning.seen import look

log = logging.getLogger(__name__)


def write(study: optuna.Study, seed: int, out: Study) -> None:
    """Write trials.csv, candidates.json, a PNG for each figure that the trials are enough for, and study.html.

    The same trials and seed give the same bytes.
    """
    seen = look(study)
    tables.write_trials(seen, out)
    tables.write_candidates(seen, out)
    draws: dict[str, Callable[[], Figure]] = {
        "history": lambda: history.draw(seen),
        "importance": lambda: importance.draw(study, seen, seed),
        "slices": lambda: slices.draw(seen),
        "parallel": lambda: parallel.draw(seen),
    }
    if len(seen.goals) > 1:
        draws["pareto"] = lambda: pareto.draw(seen)
    notes: dict[str, str] = {}
    with style.applied(), files.replacing(out.figures) as temporary:
        temporary.mkdir()
        for name, draw in draws.items():
            try:
                style.save(draw(), temporary / f"{name}.png")
            except NotDrawn as reason:
                notes[name] = str(reason)
                log.info("figure %s left out: %s", name, reason)
    files.write_text(out.page, page.render(study, seen, notes, seed))
