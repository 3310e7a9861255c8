"""`python -m src.tracking send|ready`: what can be done for runs outside of a stage."""

import argparse
import logging

from src import config, tracking
from src.core import console, paths
from src.core.errors import AssayError
from src.tracking import mlflow_store, outbox, stage_run
from src.tracking.record import UNSENT

log = logging.getLogger(__name__)
CHOICES = {
    "send": "update MLflow: send what waits in mlruns/unsent, make the run of build/ where there is none",
    "ready": "make mlflow.db and the experiment if they are not there, and follow a folder that was moved",
}


def main() -> None:
    """Do what the command line asks for."""
    lines = "\n".join(f"  {name:8}{text}" for name, text in CHOICES.items())
    parser = argparse.ArgumentParser(
        "python -m src.tracking",
        description=f"Runs in MLflow, outside of a stage.\n\n{lines}",
        epilog="MLFLOW_TRACKING_URI names a server; without it runs are in mlflow.db and mlruns/.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=CHOICES)
    {"send": _send, "ready": _ready}[parser.parse_args().what]()


def _send() -> None:
    """Send what waits, then what DVC restored.

    Raises:
        AssayError: MLflow does not take it, or there is nothing that could be sent.
    """
    sent = outbox.send(paths.home())
    log.info("%d record(s) sent", sent)
    if why := stage_run.obstacle():
        if not sent:
            raise AssayError(f"nothing to send: nothing waits in {UNSENT}, and {why}; run `dvc repro`")
        log.info("build/ is not sent: %s", why)
    elif not tracking.record():
        raise AssayError("the run of build/ is not in MLflow, for the reason above")


def _ready() -> None:
    wanted = config.load().track.experiment
    with outbox.explained(paths.home()), mlflow_store.connected(paths.home()) as client:
        mlflow_store.experiment(client, wanted, paths.home())


if __name__ == "__main__":
    console.run(main)
