"""The stage that confirms: it needs what the search wrote, and not the study, which another machine may have."""

import logging
from contextlib import suppress
from pathlib import Path

from src import console
from src.errors import AssayError
from src.params import Params, parse
from src.paths import CONFIRMED, STUDY, home
from src.tuning import confirming, identity, inputs, tables, verdict
from src.tuning.local import LocalExecutor
from src.tuning.naming import JOURNAL, STUDIES
from src.tuning.outcome import Outcome
from src.tuning.settings import with_values

log = logging.getLogger(__name__)
KEPT = "confirm.json"


def confirm(params: Params) -> None:
    """Train the best trials and the preset over several seeds, and write who won.

    Raises:
        AssayError: anything that a person can mend.
    """
    inputs.bring_up_to_date()
    study, began, found = tables.read_candidates(STUDY)
    content = with_values(params.model_dump(mode="json"), began)
    chosen = confirming.candidates(content, found)
    folder = STUDIES / identity.name("confirm", identity.training(params))
    executor = LocalExecutor(1, params.train.threads, folder, Path.cwd())
    try:
        outcome = confirming.confirm(content, chosen, executor, folder / KEPT, progress=verdict.log_progress)
    finally:
        executor.close(now=True)
    tables.write_outcome(outcome, CONFIRMED)
    console.say(verdict.judged(outcome))
    if outcome.winner:
        _track(study, parse(content), outcome)


def _track(name: str, params: Params, outcome: Outcome) -> None:
    """Tell MLflow the winner of a study that was made here; elsewhere its run is not to be found."""
    if not (STUDIES / name / JOURNAL).is_file():
        log.info("MLflow: the study was made elsewhere, its run does not get the winner")
        return
    from optuna import load_study

    from src.tracking import studies
    from src.tuning import storing, tracked

    with suppress(AssayError), storing.held(name, STUDIES / name, None) as storage:
        study = load_study(study_name=name, storage=storage)
        files = tracked.written(STUDY, CONFIRMED)
        studies.send(tracked.describe(study, params, outcome=outcome, files=files), home())
