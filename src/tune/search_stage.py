"""The stage that searches, and what it shares with `python -m src.tune`: a request, and how it is carried out.

Nothing here loads Optuna before the workers start, since that takes a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from src.config import Params
from src.core import console, paths
from src.tune import space, study_fingerprint, upstream
from src.tune.executors.local import LocalExecutor
from src.tune.names import STUDIES
from src.tune.protocol import Executor
from src.tune.study_fingerprint import Fingerprint


@dataclass(frozen=True)
class Request:
    """What a person, or the stage, asks for."""

    trials: int
    name: str
    minutes: float | None = None
    url: str | None = None
    confirm: bool = True
    apply: bool = False
    about: Fingerprint | None = None  # of the stage's study: its results then hold no more trials than asked for

    @property
    def found(self) -> paths.StudyFiles:
        """Where the results go: beside the study, or where DVC takes them from."""
        return paths.STUDY if self.about else paths.StudyFiles(STUDIES / self.name)

    @property
    def confirmed(self) -> paths.Confirmed:
        """Where the winner goes."""
        return paths.Confirmed(STUDIES / self.name)


def tune(params: Params) -> None:
    """Run the study of these inputs to `tune.trials` finished trials, and write what was found.

    One worker, so that the same inputs give the same trials, in a study named by them.

    Raises:
        AssayError: anything that a person can mend.
    """
    space.something_to_vary(params)
    upstream.bring_up_to_date()
    about = study_fingerprint.of(params)
    request = Request(params.tune.trials, study_fingerprint.name("tune", about), confirm=False, about=about)
    run(request, params, lambda: one_worker(params, request.name))


def run(request: Request, params: Params, start: Callable[[], Executor]) -> None:
    """Start the workers, search, and end them.

    Raises:
        AssayError: anything that a person can mend.
        KeyboardInterrupt: asked for by Ctrl-C, after everything was put in order.
    """
    executor = start()
    try:
        from src.tune.session import Session  # takes a second, in which the workers start

        Session(request, params, executor, console.say).run()
    finally:
        executor.close()


def one_worker(params: Params, name: str) -> Executor:
    """Start the one worker with which the same inputs give the same results."""
    return LocalExecutor(1, params.train.threads, STUDIES / name, Path.cwd())
