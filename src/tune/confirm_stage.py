"""The stage that confirms: it needs what the search wrote, and not the study, which another machine may have."""

import logging
from contextlib import suppress

from src.config import Params, parse
from src.core import console
from src.core.errors import AssayError
from src.core.paths import CONFIRMED, STUDY, home
from src.tune import confirm as confirming
from src.tune import study_fingerprint, tables, upstream, winner
from src.tune.names import JOURNAL, STUDIES
from src.tune.overrides import with_values
from src.tune.search_stage import one_worker
from src.tune.winner import Outcome

log = logging.getLogger(__name__)
KEPT = "confirm.json"


def confirm(params: Params) -> None:
    """Train the best trials and the baseline over several seeds, and write who won.

    Raises:
        AssayError: anything that a person can mend.
    """
    upstream.bring_up_to_date()
    view = tables.read_candidates(STUDY, params.tune.metric)
    baseline = parse(with_values(params.model_dump(mode="json"), view.baseline))
    trials = confirming.best_trials(baseline, view)
    name = study_fingerprint.name("confirm", study_fingerprint.training(params))
    executor = one_worker(params, name)
    try:
        found = confirming.confirm(baseline, trials, executor, STUDIES / name / KEPT)
    finally:
        executor.close()
    tables.write_outcome(found, CONFIRMED)
    console.say(winner.described(found))
    if found.winner:
        _report(view.name, baseline, found)


def _report(name: str, params: Params, found: Outcome) -> None:
    """Write the winner to the MLflow run of a study that was made here; elsewhere there is no such run."""
    if not (STUDIES / name / JOURNAL).is_file():
        log.info("MLflow: the study was made elsewhere, its run does not get the winner")
        return
    from optuna import load_study

    from src.tracking import study_run
    from src.tune import storage as journal
    from src.tune import study_tracking

    with suppress(AssayError), journal.opened(name, STUDIES / name, None) as storage:
        study = load_study(study_name=name, storage=storage)
        files = study_tracking.written(STUDY, CONFIRMED)
        study_run.send(study_tracking.describe(study, params, outcome=found, files=files), home())
