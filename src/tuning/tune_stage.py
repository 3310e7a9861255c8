"""The stage that searches: with one worker, so that the same inputs give the same trials, in a study named by them."""

from pathlib import Path

from src import console
from src.params import Params
from src.tuning import checking, identity, inputs
from src.tuning.local import LocalExecutor
from src.tuning.naming import STUDIES


def tune(params: Params) -> None:
    """Bring the study of these inputs to `tune.trials` finished trials, and write what was found.

    Raises:
        AssayError: anything that a person can mend.
    """
    checking.something_to_vary(params)
    inputs.bring_up_to_date()
    about = identity.of(params)
    name = identity.name("tune", about)
    executor = LocalExecutor(1, params.train.threads, STUDIES / name, Path.cwd())
    try:
        from src.tuning.session import Asked, Session  # takes a second, in which the worker starts

        asked = Asked(params.tune.trials, name, confirm=False, about=about)
        Session(asked, params, executor, console.say).run()
    finally:
        executor.close(now=True)
