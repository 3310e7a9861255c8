"""Every preset runs on its samples, and what is asked of one is checked before anything is written."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src import config, presets
from src import reproduce as face
from src.core.errors import AssayError
from src.core.files import read_json
from tests.conftest import ROOT
from tests.helpers_presets import put
from tests.pipeline.conftest import Project
from tests.pipeline.test_pipeline import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_a_terminal")]
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
    "pneumonia_three": ["BACTERIA", "NORMAL", "VIRUS"],
    "pneumonia_transfer": ["NORMAL", "PNEUMONIA"],
}
# Two, three and four classes, and networks that pool and that flatten: evaluate sees no other difference of presets.
EVALUATED = {"blood_transfer", "covid_compact", "pneumonia_three"}


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
    """The stages run in this process, one after the other as DVC would: TensorFlow starts once, not for each.

    Of presets with the same images in the same parts, only the first one makes them, as under DVC.
    """
    from src.split import shortcuts
    from stages import download, evaluate, preprocess, probe, split, train

    for trees in ("TREES", "TREES_ALONE"):  # no preset has a word in how shortcuts are looked for
        monkeypatch.setattr(shortcuts, trees, 5)
    monkeypatch.chdir(project.folder)
    if not Path("data").exists():
        project.run("dvc", "repro", "data.dvc")
    alike = (
        {"split.by": "image"} if name in ("blood_cnn_two", "blood_fire", "blood_transfer") else {}
    )  # to look for copies takes long, and once is enough
    put(name, None, SMALL | alike | {"track.model": False}, project.folder)
    read, made = config.load(), project.folder / "images.txt"
    images = repr([read.seed, read.dataset, read.preprocess, read.split])
    if not made.exists() or made.read_text(encoding="utf-8") != images:
        for stage in (download, preprocess, split):
            stage.main()
        made.write_text(images, encoding="utf-8")
    train.main()
    assert read_json(Path("build/model/classes.json")) == CLASSES.get(name, ["CT_NonCOVID", "CT_COVID"])
    if name not in EVALUATED:
        return
    for stage in (*([probe] if name == "blood_transfer" else []), evaluate):
        stage.main()
    scores = read_json(Path("build/evaluation/metrics.json"))["test"]
    assert 0 <= scores["accuracy"]["value"] <= 1
    with Path("build/evaluation/predictions.csv").open(encoding="utf-8", newline="") as file:
        parts = {row["part"] for row in csv.DictReader(file)}
    assert parts == {"val", "test"}
    assert Path("build/evaluation/report.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["malaria"], "no preset 'malaria'; did you mean 'malaria_cnn'?"),
        (["malaria_cnn", "--set", "train.epoch=1"], "train.epoch: unknown key; did you mean 'epochs'?"),
        (["malaria_cnn", "--source", "../nowhere.zip"], "a folder or an archive, found nothing at"),
        (["--set", "train.epochs=1"], "the name of a preset before other values; known presets: blood_cnn, "),
    ],
)
def test_a_mistake_is_told_before_anything_is_written(
    project: Project, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.read("params.yaml")
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(sys, "argv", ["reproduce", *words])
    with pytest.raises(AssayError, match=re.escape(message)) as caught:
        face.main()
    assert "\n" not in str(caught.value)
    assert project.read("params.yaml") == before


def test_of_a_mistake_the_command_says_one_line(project: Project) -> None:
    done = reproduce(project, "malaria", ok=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no preset 'malaria'; did you mean 'malaria_cnn'?")
    assert len(done.stderr.splitlines()) == 1


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
