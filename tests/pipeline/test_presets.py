"""Every preset runs on its samples, and switching between them costs nothing."""

import csv
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from src import presets
from src.core.files import read_json
from tests.conftest import ROOT
from tests.pipeline.conftest import Project, stages_run
from tests.pipeline.test_pipeline import wait_for

pytestmark = pytest.mark.slow
NAMES = presets.names(ROOT)
SMALL = {"train.epochs": 1, "train.patience": 1, "evaluate.resamples": 100, "evaluate.mistakes": 2}
SET = [f"{key}={value}" for key, value in SMALL.items()] + ["track.model=false"]
CLASSES = {
    "blood_cnn": ["EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"],
    "blood_cnn_two": ["mononuclear", "polynuclear"],
    "blood_fire": ["EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"],
    "blood_transfer": ["EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"],
    "malaria_cnn": ["Uninfected", "Parasitized"],
    "malaria_transfer": ["Uninfected", "Parasitized"],
    "pneumonia_separable": ["NORMAL", "PNEUMONIA"],
    "pneumonia_transfer": ["NORMAL", "PNEUMONIA"],
}


@pytest.fixture(scope="module")
def project(make_project: Callable[[], Project]) -> Project:
    """Give a project without changes, so that presets may take the place of its params.yaml."""
    made = make_project()
    made.run("git", "checkout", "--quiet", "HEAD", "--", "params.yaml")
    (made.folder / "dvc.lock").unlink(missing_ok=True)
    return made


def reproduce(project: Project, *words: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
    return project.run("python", "-m", "src.reproduce", *words, ok=ok)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_runs_from_its_samples_to_a_report(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stages run in this process, one after the other as DVC would: TensorFlow starts once, not for each."""
    from stages import download, evaluate, preprocess, probe, split, train

    monkeypatch.chdir(project.folder)
    if not Path("data").exists():
        project.run("dvc", "repro", "data.dvc")
    alike = (
        {"split.by": "image"} if name in ("blood_cnn_two", "blood_fire", "blood_transfer") else {}
    )  # to look for copies takes long, and once is enough
    presets.put(name, None, SMALL | alike | {"track.model": False}, project.folder)
    for stage in (download, preprocess, split, train, *([probe] if name == "blood_transfer" else []), evaluate):
        stage.main()
    scores = read_json(Path("build/evaluation/metrics.json"))["test"]
    assert 0 <= scores["accuracy"]["value"] <= 1
    assert read_json(Path("build/model/classes.json")) == CLASSES.get(name, ["CT_NonCOVID", "CT_COVID"])
    with Path("build/evaluation/predictions.csv").open(encoding="utf-8", newline="") as file:
        parts = {row["part"] for row in csv.DictReader(file)}
    assert parts == {"val", "test"}
    assert Path("build/evaluation/report.html").stat().st_size > 10_000


@pytest.mark.timeout(1800)
def test_switching_back_runs_no_stage(make_project: Callable[[], Project], tmp_path: Path) -> None:
    project = make_project()
    project.run("git", "checkout", "--quiet", "HEAD", "--", "params.yaml")
    archive = tmp_path / "eigene Zellen.zip"
    project.run("python", "-c", f"import shutil; shutil.make_archive({str(archive)[:-4]!r}, 'zip', 'samples/malaria')")
    first = reproduce(project, "malaria_cnn", "--source", str(archive), "--set", *SET)
    assert sorted(stages_run(first)[-4:]) == ["evaluate", "export", "probe", "train"]
    scores = project.read("build/evaluation/metrics.json")
    assert "train" in stages_run(reproduce(project, "covid_tiny", "--set", *SET))
    assert project.read("build/evaluation/metrics.json") != scores
    back = reproduce(project, "malaria_cnn", "--source", str(archive), "--set", *SET)
    assert stages_run(back) == []
    assert project.read("build/evaluation/metrics.json") == scores
    assert "MLflow: run " in back.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["malaria"], "error: no preset 'malaria'; did you mean 'malaria_cnn'?"),
        (["malaria_cnn", "--set", "train.epoch=1"], "train.epoch: unknown key; did you mean 'epochs'?"),
        (
            ["malaria_cnn", "--source", "../nowhere.zip"],
            "a folder or an archive, found nothing at",
        ),
        (["--set", "train.epochs=1"], "the name of a preset before other values; known presets: blood_cnn, "),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_written(project: Project, words: list[str], message: str) -> None:
    before = project.read("params.yaml")
    done = reproduce(project, *words, ok=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert project.read("params.yaml") == before


def test_a_label_that_the_data_lack_is_one_line_and_the_exit_code_of_dvc_is_passed_on(project: Project) -> None:
    done = reproduce(project, "blood_cnn_two", "--set", "dataset.positive=neutrophil", ok=False)
    assert done.returncode == 255
    assert "error: dataset.positive: expected one of mononuclear, polynuclear" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    merged = reproduce(project, "blood_cnn_two", "--set", "dataset.merge={EOSINOPHIL: polynuclear}", ok=False)
    assert "dataset.merge: expected every label of the data set, found no LYMPHOCYTE" in merged.stderr


@pytest.mark.timeout(1800)
def test_ctrl_c_stops_the_stages_and_leaves_a_whole_params_file(project: Project) -> None:
    words = [*SET, "train.epochs=500"]
    process = subprocess.Popen(
        ["python", "-m", "src.reproduce", "malaria_cnn", "--set", *words],
        cwd=project.folder, env=project.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: "malaria_cnn" in project.read("params.yaml"), process)
        wait_for(lambda: "Parasitized" in manifest(project), process)
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command and all that it started
    assert process.wait(timeout=120) not in {0, None}
    assert project.read("params.yaml") == presets.made("malaria_cnn", None, presets.given(words), ROOT)[0]


def manifest(project: Project) -> str:
    """Read the manifest of the download stage, or nothing while there is none."""
    path = project.folder / "build/raw/manifest.csv"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
