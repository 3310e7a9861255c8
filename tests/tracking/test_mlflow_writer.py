"""The tracked model answers over HTTP what it answers in Keras."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from src.tracking import mlflow_store
from tests.tracking.helpers import fill, wait_for
from tests.tracking.test_stage_run import runs, train


@pytest.fixture
def modelled(tmp_path: Path, made_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository whose build/ holds a real model."""
    from src import models

    monkeypatch.delenv(mlflow_store.VARIABLE, raising=False)
    fill(tmp_path, model=True)
    shutil.copyfile(made_database, tmp_path / mlflow_store.DATABASE)
    monkeypatch.chdir(tmp_path)
    models.build("reduced_inception", (8, 8, 1), 2).save("build/model/model.keras")
    return tmp_path


def ask(port: int, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> list[list[float]]:
    body = json.dumps({"inputs": pixels.tolist()}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return list(json.load(answer)["predictions"])


@pytest.mark.slow
def test_the_served_model_predicts_as_keras_does(modelled: Path) -> None:
    import keras

    train()
    [run] = runs(modelled)
    [output] = run.outputs.model_outputs
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"models:/{output.model_id}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", address, "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # as after activating the environment
    environment = {**os.environ, "PATH": path, mlflow_store.VARIABLE: mlflow_store.uri(modelled)}
    server = subprocess.Popen([*command, "--port", str(port)], env=environment, start_new_session=True)
    try:
        wait_for(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).status == 200, 120)
        pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.float32)
        expected = keras.saving.load_model("build/model/model.keras").predict(pixels, verbose=0)
        assert expected.std() > 0
        np.testing.assert_allclose(ask(port, pixels), expected, atol=1e-6)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.mark.slow
def test_the_model_has_a_signature_an_example_and_pinned_requirements(modelled: Path) -> None:
    import mlflow

    train()
    train()
    first, second = runs(modelled)
    for run in (first, second):
        assert len(run.outputs.model_outputs) == 1
    with mlflow_store.connected(modelled):
        model = mlflow.models.get_model_info(f"models:/{first.outputs.model_outputs[0].model_id}")
        requirements = mlflow.artifacts.load_text(f"{model.artifact_path}/requirements.txt")
    assert [tuple(tensor.shape) for tensor in model.signature.inputs.inputs] == [(-1, 8, 8, 1)]
    assert model.saved_input_example_info is not None
    assert {line.split("==")[0] for line in requirements.split()} == {"mlflow", "tensorflow", "keras", "numpy"}


@pytest.mark.slow
def test_without_track_model_no_model_is_kept(modelled: Path) -> None:
    params = modelled / "params.yaml"
    params.write_text(params.read_text().replace("model: true", "model: false"))
    train()
    [run] = runs(modelled)
    assert run.outputs.model_outputs == []


@pytest.mark.slow
def test_a_kept_model_is_sent_with_its_run(modelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from src.tracking import outbox

    monkeypatch.setenv(mlflow_store.VARIABLE, "http://127.0.0.1:9")
    train()
    Path("build/model/model.keras").unlink()
    monkeypatch.delenv(mlflow_store.VARIABLE)
    assert outbox.send(modelled) == 1
    [run] = runs(modelled)
    assert len(run.outputs.model_outputs) == 1
