"""The stages tune and confirm, and how `python -m src.tune` and they start workers for what is asked for.

Nothing here loads Optuna before the workers start, since that takes a second.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from src.config import Params, parse
from src.core.errors import AssayError
from src.core.paths import CONFIRMED, STUDY, home
from src.tune import space, study_fingerprint, upstream
from src.tune.executors.local import LocalExecutor
from src.tune.overrides import with_values
from src.tune.protocol import Executor
from src.tune.request import JOURNAL, STUDIES, Request

if TYPE_CHECKING:
    from optuna import Study

    from src.tune.trials_view import TrialsView
    from src.tune.winner import Outcome

log = logging.getLogger(__name__)


def tune(params: Params) -> None:
    """Run the study of these inputs to `tune.trials` finished trials, and write what was found.

    One worker, so that the same inputs give the same trials, in a study named by them.

    Raises:
        AssayError: anything that a person can mend.
    """
    space.something_to_vary(params)
    upstream.bring_up_to_date()
    fingerprint = study_fingerprint.of(params)
    name = study_fingerprint.name("tune", fingerprint)
    request = Request(params.tune.trials, name, confirm=False, fingerprint=fingerprint)
    run(request, params, lambda: _one_worker(params, name))


def run(request: Request, params: Params, start: Callable[[], Executor]) -> None:
    """Start the workers, search, and end them.

    Raises:
        AssayError: anything that a person can mend.
        KeyboardInterrupt: asked for by Ctrl-C, after everything was put in order.
    """
    executor = start()
    try:
        from src.tune.session import Session  # takes a second, in which the workers start

        Session(request, params, executor).run()
    finally:
        executor.close()


def confirm(params: Params) -> None:
    """Train the best trials and the baseline over several seeds, and write who won.

    It needs what the search wrote, and not the study, which another machine may have.

    Raises:
        AssayError: anything that a person can mend.
    """
    upstream.bring_up_to_date()
    executor = _one_worker(params, study_fingerprint.name("confirm", study_fingerprint.training(params)))
    try:
        from src.tune.confirm import confirm_best
        from src.tune.study_tables import read_candidates

        view = _with_durations(read_candidates(STUDY, params.tune.metric))
        baseline = parse(with_values(params.model_dump(mode="json"), view.baseline))
        outcome = confirm_best(baseline, view, executor, CONFIRMED)
    finally:
        executor.close()
    if outcome.winner:
        _report(view.name, baseline, outcome)


@contextmanager
def _made_here(name: str) -> Iterator["Study | None"]:
    """Open a study that was made on this machine; None elsewhere, or while another process holds it."""
    from optuna import load_study

    from src.tune.storage import open_storage

    with ExitStack() as around:
        study = None
        if (STUDIES / name / JOURNAL).is_file():
            with suppress(AssayError):
                storage = around.enter_context(open_storage(name, STUDIES / name, None))
                study = load_study(study_name=name, storage=storage)
        yield study


def _with_durations(found: "TrialsView") -> "TrialsView":
    """Return the trials with what no output tells, since it is not the same each time."""
    from src.tune.trials_view import view

    with _made_here(found.name) as study:
        facts = {one.number: one.facts for one in view(study).trials} if study else {}
    return replace(found, trials=tuple(replace(one, facts=facts.get(one.number, {})) for one in found.trials))


def _report(name: str, params: Params, outcome: "Outcome") -> None:
    """Write the winner to the MLflow run of a study that was made here; elsewhere there is no such run."""
    from src.tracking import study_run
    from src.tune import study_tracking

    with _made_here(name) as study:
        if study is None:
            log.info("MLflow: the study was made elsewhere, its run does not get the winner")
            return
        files = study_tracking.written(STUDY, CONFIRMED)
        study_run.send(study_tracking.describe(study, params, outcome=outcome, files=files), home())


def _one_worker(params: Params, name: str) -> Executor:
    """Start the one worker with which the same inputs give the same results."""
    return LocalExecutor(1, params.train.threads, STUDIES / name, Path.cwd())
