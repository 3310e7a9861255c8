"""A bare `mlflow ui` in the repository shows runs with their pictures, also when it was there before the first run."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracking.helpers import PNG, wait_for
from tests.tracking.test_stage_run import evaluate, runs, train


@pytest.fixture
def browser(project: Path) -> Iterator[str]:
    """Start `mlflow ui` in a repository without a database, and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(command, env=quiet, stderr=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: urllib.request.urlopen(f"{address}/health", timeout=1).status == 200, 120)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.mark.slow
def test_a_run_shows_with_its_pictures_beside_the_database_that_mlflow_ui_made(project: Path, browser: str) -> None:
    assert (project / "mlflow.db").is_file()
    train()
    evaluate()
    [run] = runs(project)
    body = json.dumps({"experiment_ids": [run.info.experiment_id]}).encode()
    request = urllib.request.Request(
        f"{browser}/api/2.0/mlflow/runs/search", body, {"Content-Type": "application/json"}
    )
    [shown] = json.load(urllib.request.urlopen(request, timeout=30))["runs"]
    assert shown["info"]["run_name"] == run.info.run_name
    picture = f"{browser}/get-artifact?path=figures/roc.png&run_uuid={run.info.run_id}"
    assert urllib.request.urlopen(picture, timeout=30).read() == PNG
