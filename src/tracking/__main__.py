"""`python -m src.tracking send|ui`: commands for tracked runs that need no pipeline stage."""

import argparse
import logging
import os
import socket
import sys

from src import config, tracking
from src.core import console, paths
from src.core.errors import AssayError
from src.tracking import mlflow_store, outbox, stage_run

log = logging.getLogger(__name__)
WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # MLflow needs jobs for language models only


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(
        "python -m src.tracking",
        description="send: send the records in mlruns/unsent, and the run of build/ if MLflow does not have it. "
        "ui: show the runs in the browser; prints the address of the table with the scores.",
        epilog="Set MLFLOW_TRACKING_URI to use a server; otherwise runs are stored in mlflow.db and mlruns/.",
    )
    parser.add_argument("what", choices=("send", "ui"))
    parser.add_argument("--port", type=int, default=5000, help="port of ui (default: 5000)")
    asked = parser.parse_args()
    if asked.what == "ui":
        _ui(asked.port)
    else:
        _send()


def _send() -> None:
    """Send the waiting records, then the run of build/ if MLflow does not have it.

    Raises:
        AssayError: MLflow does not accept a record, or there is nothing to send.
    """
    sent = outbox.send(paths.home())
    log.info("%d record(s) sent", sent)
    if why := stage_run.obstacle():
        if not sent:
            raise AssayError(f"nothing to send: nothing waits in {outbox.UNSENT}, and {why}; run `dvc repro`")
        log.info("build/ is not sent: %s", why)
    elif not tracking.record():
        raise AssayError("the run of build/ is not in MLflow, for the reason above")


def _ui(port: int) -> None:
    """Replace this process with `mlflow ui`, with its telemetry turned off.

    Raises:
        AssayError: the port is in use.
    """
    server = f"http://127.0.0.1:{port}/#/experiments"
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise AssayError(f"port {port}: in use, perhaps by `mlflow ui`: {server}; or: make ui PORT={port + 1}")
    number = mlflow_store.experiment_to_show(config.load().track.experiment, paths.home())
    page = f"{server}/{number}/runs?viewStateShareKey={mlflow_store.VIEW}&workflowType=machine_learning"
    sys.stdout.write(f"runs: {page}  (Ctrl-C ends it)\n")  # console.say would remove the query
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    os.execve(sys.executable, command, os.environ | mlflow_store.QUIET | WITHOUT_JOBS)


if __name__ == "__main__":
    console.run(main)
