"""`python -m src.tracking send|record|ready`: what can be done for runs outside of a stage."""

import argparse
import logging

from src import console, params, paths, tracking
from src.tracking import delivery, store

log = logging.getLogger(__name__)
CHOICES = {
    "send": "send the runs that were kept in mlruns/unsent while MLflow could not take them",
    "record": "make the run of what stands in build/ if MLflow has none, as after `dvc checkout`",
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
    {"send": _send, "record": tracking.record, "ready": _ready}[parser.parse_args().what]()


def _send() -> None:
    log.info("%d record(s) sent", delivery.send(paths.home()))


def _ready() -> None:
    with store.connected(paths.home()) as client:
        store.experiment(client, params.load().track.experiment, paths.home())


if __name__ == "__main__":
    console.run(main)
