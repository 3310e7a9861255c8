"""`python -m src.tracking send|ui`: what can be done for runs outside of a stage."""

import argparse
import json
import logging
import os
import socket
import sys

from src import config, tracking
from src.core import console, paths
from src.core.errors import AssayError
from src.tracking import mlflow_store, outbox, stage_run

log = logging.getLogger(__name__)
WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # which language models need
VIEW = "scores"  # how the table of runs looks behind the address that `ui` prints: these columns
COLUMNS = ("test_auc", "test_accuracy", "test_sensitivity", "test_specificity", "val_auc", "probe_auc")


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m src.tracking",
        description="send: what waits in mlruns/unsent, and the run of build/ where MLflow has none. "
        "ui: show the runs in the browser; it names the page with the scores.",
        epilog="MLFLOW_TRACKING_URI names a server; without it runs are in mlflow.db and mlruns/.",
    )
    parser.add_argument("what", choices=("send", "ui"))
    parser.add_argument("--port", type=int, default=5000, help="of ui, else 5000")
    asked = parser.parse_args()
    if asked.what == "ui":
        _ui(asked.port)
    else:
        _send()


def _send() -> None:
    """Send what waits, then what DVC restored.

    Raises:
        AssayError: MLflow does not take it, or there is nothing that could be sent.
    """
    sent = outbox.send(paths.home())
    log.info("%d record(s) sent", sent)
    if why := stage_run.obstacle():
        if not sent:
            raise AssayError(f"nothing to send: nothing waits in {outbox.UNSENT}, and {why}; run `dvc repro`")
        log.info("build/ is not sent: %s", why)
    elif not tracking.record():
        raise AssayError("the run of build/ is not in MLflow, for the reason above")


def _ready() -> str:
    """Make the experiment of params.yaml, give the tables of all experiments their columns, and return its id."""
    wanted = config.load().track.experiment
    key = f"mlflow.sharedViewState.{VIEW}"
    view = json.dumps({"selectedColumns": [f"metrics.`{name}`" for name in COLUMNS]})
    with outbox.explained(paths.home()), mlflow_store.connected(paths.home()) as client:
        known = client.search_experiments()
        there = {each.name: str(each.experiment_id) for each in known}
        if wanted in there and all(each.tags.get(key) == view for each in known):
            return there[wanted]  # while a stage uploads, the page still opens
        with mlflow_store.turn(paths.home()):
            number = mlflow_store.experiment(client, wanted, paths.home())
            for each in client.search_experiments():
                if each.tags.get(key) != view:
                    client.set_experiment_tag(each.experiment_id, key, view)
    return number


def _ui(port: int) -> None:
    """Become `mlflow ui` with its statistics off.

    Raises:
        AssayError: the port is in use.
    """
    server = f"http://127.0.0.1:{port}/#/experiments"
    page = f"{server}/{{}}/runs?viewStateShareKey={VIEW}&workflowType=machine_learning"
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise AssayError(f"port {port}: in use, perhaps by these runs: {server}; else: make ui PORT={port + 1}")
    sys.stdout.write(f"runs: {page.format(_ready())}  (Ctrl-C ends it)\n")  # console.say would take the query out
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    os.execve(sys.executable, command, os.environ | mlflow_store.QUIET | WITHOUT_JOBS)


if __name__ == "__main__":
    console.run(main)
