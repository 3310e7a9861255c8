"""The whole pipeline as a person runs it: real DVC, real training, real MLflow database."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project, stages_run

pytestmark = pytest.mark.slow
OUTPUTS = [
    "build/raw/manifest.csv", "build/prepared/images.npy", "build/prepared/index.csv", "build/prepared/rejected.csv",
    "build/split/split.csv", "build/split/audit.json", "build/model/model.keras", "build/model/history.csv",
    "build/model/fingerprint.json", "build/evaluation/metrics.json", "build/evaluation/predictions.csv",
    "build/evaluation/report.html",
]  # fmt: skip


@contextmanager
def changed(project: Project, file: str, change: Callable[[], None]) -> Iterator[None]:
    """Apply a change to a file and take it back, outputs included."""
    before = (project.folder / file).read_bytes()
    change()
    try:
        yield
    finally:
        (project.folder / file).write_bytes(before)
        project.run("git", "checkout", "--", "dvc.lock", "data.dvc")
        project.run("dvc", "checkout", "--force", "--allow-missing")


def test_one_command_makes_every_output(reproduced: Project) -> None:
    assert [name for name in OUTPUTS if not (reproduced.folder / name).stat().st_size] == []


def test_a_second_run_runs_nothing(reproduced: Project) -> None:
    assert stages_run(reproduced.repro()) == []
    assert "up to date" in reproduced.run("dvc", "status", "dvc.yaml").stdout


def test_a_second_clone_gives_the_same_lock(reproduced: Project, make_project: Callable[[], Project]) -> None:
    second = make_project()
    (second.folder / "dvc.lock").unlink(missing_ok=True)
    second.repro()
    assert second.read("dvc.lock") == reproduced.read("dvc.lock")


def test_no_output_names_this_machine(reproduced: Project) -> None:
    for path in (reproduced.folder / "build").rglob("*"):
        if path.is_file() and path.suffix in {".csv", ".json", ".html", ".keras"}:
            assert str(reproduced.folder).encode() not in path.read_bytes(), path


def test_the_run_is_tracked_with_its_fingerprint(reproduced: Project) -> None:
    fingerprint = json.loads(reproduced.read("build/model/fingerprint.json"))["sha256"]
    code = (
        "import mlflow; runs = mlflow.search_runs(search_all_experiments=True);"
        "print(len(runs), runs['tags.fingerprint'][0], runs['status'][0])"
    )
    assert reproduced.run("python", "-c", code).stdout.split() == ["1", fingerprint, "FINISHED"]


def test_dvc_shows_metrics_and_plots(reproduced: Project) -> None:
    assert "auc" in reproduced.run("dvc", "metrics", "show").stdout
    reproduced.run("dvc", "plots", "show", "--out", "build/plots")
    assert (reproduced.folder / "build/plots/index.html").is_file()


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("src/evaluate/report.py", ["evaluate", "export"]),
        ("stages/split.py", ["split"]),
        ("src/models/dropout_cnn.py", []),
    ],
)
def test_a_stage_runs_again_only_if_it_imports_what_changed(reproduced: Project, file: str, stages: list[str]) -> None:
    path = reproduced.folder / file
    text = path.read_text(encoding="utf-8")
    with changed(reproduced, file, lambda: path.write_text(text + "\n# changed\n", encoding="utf-8") and None):
        assert stages_run(reproduced.repro()) == stages


def test_a_changed_sample_is_imported_again(reproduced: Project) -> None:
    path = next((reproduced.folder / "samples/covid_ct/CT_COVID").iterdir())
    whole = path.read_bytes()
    try:
        path.write_bytes(b"damaged")
        assert {"download", "preprocess"} <= set(stages_run(reproduced.repro("preprocess")))
        assert path.name in reproduced.read("build/prepared/rejected.csv")
    finally:
        path.write_bytes(whole)
        reproduced.repro("preprocess")


@pytest.mark.parametrize(
    ("start", "line", "words"),
    [
        ("batch_size:", "batchsize: 30", "train.batchsize: unknown key; did you mean 'batch_size'?"),
        ("source:", "source: data/nowhere", "data/nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_loses_nothing(reproduced: Project, start: str, line: str, words: str) -> None:
    before = reproduced.read("build/evaluation/metrics.json")
    with changed(reproduced, "params.yaml", lambda: reproduced.set(start, line)):
        done = reproduced.repro(ok=False)
        assert done.returncode != 0
        assert words in done.stderr + done.stdout
        assert "Traceback" not in done.stderr + done.stdout
    assert reproduced.read("build/evaluation/metrics.json") == before
    assert stages_run(reproduced.repro()) == []


def test_an_interrupted_training_goes_on_to_the_same_result(reproduced: Project, tmp_path: Path) -> None:
    project = reproduced.copied(tmp_path / "interrupted")
    for name in ("build/model", ".dvc/cache/runs"):
        shutil.rmtree(project.folder / name)
    command = ["dvc", "repro", "--force", "--single-item", "train"]
    process = subprocess.Popen(command, cwd=project.folder, env=project.environment, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: any((project.folder / "build/checkpoints").rglob("*")), process)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=120)
    project.repro("--force", "--single-item", "train")
    for name in ("model.keras", "history.csv", "fingerprint.json"):
        path = f"build/model/{name}"
        assert (project.folder / path).read_bytes() == (reproduced.folder / path).read_bytes(), name


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the training ended before it could be interrupted"
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_archive_beside_the_repository_is_a_source(make_project: Callable[[], Project], tmp_path: Path) -> None:
    project = make_project()
    project.run(
        "python",
        "-c",
        f"import shutil; shutil.make_archive({str(tmp_path / 'eigene bilder')!r}, 'zip', 'samples/covid_ct')",
    )
    project.run("dvc", "exp", "run", "-S", f"dataset.source={tmp_path / 'eigene bilder.zip'}")
    assert "CT_COVID" in project.read("build/prepared/index.csv")
