"""The logged model is the bundle: it answers for raw images, in Python and over HTTP, what the command answers."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from src import tracking
from src.core.errors import AssayError
from src.core.paths import BUNDLE
from src.export import load
from src.predict import application
from src.tracking import mlflow_store, outbox, query
from tests.export.helpers import built
from tests.tracking.helpers import fill, wait_for
from tests.tracking.test_stage_run import artifacts, edit, evaluate, runs, train

NAME = "chest ct"
pytestmark = pytest.mark.slow


def export() -> None:
    with tracking.stage("export"):
        shutil.copytree(built().bundle.folder, "build/bundle", dirs_exist_ok=True)
        application.write(BUNDLE)


def image() -> Path:
    return built().raw.folder / "SICK" / "01.png"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, made_database: Path) -> Iterator[Path]:
    """Give a repository in which a bundle was exported twice, as the current folder."""
    folder = tmp_path_factory.mktemp("modelled")
    fill(folder, model=True)
    (folder / "build/model/model.keras").write_bytes(b"keras")
    (folder / "mlflow.db").write_bytes(made_database.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(mlflow_store.VARIABLE, raising=False)
        patch.chdir(folder)
        edit("params.yaml", "register: covid_compact\n", f"register: {NAME}\n")
        train()
        evaluate()
        export()
        export()
        yield folder


def model(home: Path) -> str:
    [run] = runs(home)
    [output] = run.outputs.model_outputs
    return str(output.model_id)


def test_the_bundle_is_the_one_model_of_the_run_of_its_training(home: Path) -> None:
    import mlflow

    [run] = runs(home)
    assert {run.data.tags[kind].split()[0] for kind in ("train", "evaluate", "export")} == {"complete"}
    assert {"card.md", "model.keras"} <= artifacts(home, run)
    with mlflow_store.connected(home):
        found = mlflow.models.get_model_info(f"models:/{model(home)}")
        requirements = mlflow.artifacts.load_text(f"{found.artifact_path}/requirements.txt").split()
    assert found.signature.inputs.input_types() == [mlflow.types.DataType.string]
    assert {"class", "probability", "p_SICK", "uncalibrated_NORMAL", "error"} <= set(
        found.signature.outputs.input_names()
    )
    assert all("==" in line for line in requirements)
    assert not {"tensorflow", "keras", "dvc", "optuna"} & {line.split("==")[0] for line in requirements}


def test_a_bundle_is_registered_once_and_is_found_by_its_alias_version_and_run(home: Path) -> None:
    with mlflow_store.connected(home) as client:
        [version] = client.search_model_versions(f"name = '{NAME}'")
    assert str(version.version) == "1"
    expected = load(built().bundle.folder).predict(image())
    for name in (f"models:/{NAME}@current", f"models:/{NAME}/1", runs(home)[0].info.run_id):
        assert load(query.bundle(name, home, home / "fetched")).predict(image()) == expected


@pytest.mark.parametrize("name", ["models:/nobody@current", f"models:/{NAME}@old", f"models:/{NAME}/7", "0" * 32])
def test_a_wrong_name_of_a_model_is_one_line(home: Path, name: str) -> None:
    with pytest.raises(AssayError, match=r"mlflow\.db: .*(not found|No such|no )") as caught:
        query.bundle(name, home, home)
    assert "\n" not in str(caught.value)


def test_a_run_of_a_training_alone_says_that_it_holds_no_bundle(ready: Path) -> None:
    train()
    with pytest.raises(AssayError, match=r"run [0-9a-f]{32}: holds no bundle; `dvc repro export`"):
        query.bundle(runs(ready)[0].info.run_id, ready, ready)


def test_without_the_repository_python_and_http_answer_as_the_command_does(home: Path, tmp_path: Path) -> None:
    expected = load(built().bundle.folder).predict(image()).probability
    (tmp_path / "text.png").write_text("no image")
    environment = {**os.environ, mlflow_store.VARIABLE: mlflow_store.uri(home), "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment.pop("PYTHONPATH", None)
    address = f"models:/{NAME}@current"
    code = (
        f"import mlflow; print(mlflow.pyfunc.load_model({address!r}).predict([{str(image())!r}, 'text.png']).to_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    assert found["probability"]["0"] == pytest.approx(expected, abs=1e-7)
    assert (found["class"]["1"], found["error"]["1"]) == (None, "not an image in a known format, or a damaged header")
    content = base64.b64encode(image().read_bytes()).decode()
    with serving(address, environment, tmp_path) as port:
        first, second, third = ask(port, [content, str(image()), f"data:image/png;base64,{content}"])
    assert first["probability"] == third["probability"] == pytest.approx(expected, abs=1e-7)
    assert second["error"] == "expected the content of an image file as base64"  # a server opens no file of its own
    assert second["probability"] is None


@contextmanager
def serving(address: str, environment: dict[str, str], folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", address, "--env-manager", "local"]
    server = subprocess.Popen([*command, "--port", str(port)], cwd=folder, env=environment, start_new_session=True)
    try:
        wait_for(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).status == 200, 120)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def ask(port: int, images: list[str]) -> list[dict[str, Any]]:
    body = json.dumps({"inputs": images}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return list(json.load(answer)["predictions"])


def test_without_track_model_no_model_is_kept(ready: Path) -> None:
    train()
    export()
    [run] = runs(ready)
    assert run.outputs.model_outputs == []


def test_a_kept_bundle_is_sent_with_its_run(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit("params.yaml", "model: false", "model: true")
    monkeypatch.setenv(mlflow_store.VARIABLE, "http://127.0.0.1:9")
    train()
    export()
    shutil.rmtree("build/bundle")
    monkeypatch.delenv(mlflow_store.VARIABLE)
    assert outbox.send(ready) == 3
    [run] = runs(ready)
    assert len(run.outputs.model_outputs) == 1
    assert run.data.tags["evaluate"].startswith("complete ")
