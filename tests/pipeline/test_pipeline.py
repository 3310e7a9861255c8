"""The whole pipeline as a person runs it: real DVC, real training, real MLflow database."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.images.helpers import save, smooth
from tests.pipeline.conftest import Project, stages_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("at_a_terminal")]
OUTPUTS = [
    "build/raw/manifest.csv", "build/prepared/images.npy", "build/prepared/index.csv", "build/prepared/rejected.csv",
    "build/split/split.csv", "build/split/audit.json", "build/model/model.keras", "build/model/history.csv",
    "build/model/fingerprint.json", "build/evaluation/metrics.json", "build/evaluation/predictions.csv",
    "build/evaluation/report.html",
]  # fmt: skip


@contextmanager
def changed(project: Project, *files: str) -> Iterator[None]:
    """Take back what is changed in files, outputs included."""
    before = {file: (project.folder / file).read_bytes() for file in files}
    try:
        yield
    finally:
        for file, content in before.items():
            (project.folder / file).write_bytes(content)
        project.run("git", "checkout", "--", "dvc.lock", "data.dvc")
        project.run("dvc", "checkout", "--force", "--allow-missing")


def test_one_command_makes_every_output(reproduced: Project) -> None:
    assert [name for name in OUTPUTS if not (reproduced.folder / name).stat().st_size] == []


def test_a_second_run_runs_nothing(reproduced: Project) -> None:
    assert stages_run(reproduced.repro()) == []
    assert "up to date" in reproduced.run("dvc", "status", "dvc.yaml").stdout


def test_no_output_names_this_machine(original: Project) -> None:
    for path in (original.folder / "build").rglob("*"):
        if path.is_file() and path.suffix in {".csv", ".json", ".html", ".keras"}:
            assert str(original.folder).encode() not in path.read_bytes(), path


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


def test_a_stage_runs_again_only_if_it_imports_what_changed(reproduced: Project) -> None:
    files = ["src/evaluate/report.py", "stages/split.py", "src/models/dropout_cnn.py"]
    with changed(reproduced, *files):
        for file in files:
            (reproduced.folder / file).write_text(reproduced.read(file) + "\n# changed\n", encoding="utf-8")
        assert stages_run(reproduced.repro("--dry")) == ["split", "evaluate", "export"]
        assert stages_run(reproduced.repro("train")) == ["split"]  # whose output is as before, so nothing follows


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


def test_a_mistake_is_one_line_and_loses_nothing(reproduced: Project) -> None:
    before = reproduced.read("build/evaluation/metrics.json")
    mistakes = [
        ("batch_size:", "batchsize: 30", "train.batchsize: unknown key; did you mean 'batch_size'?"),
        ("source:", "source: data/nowhere", "data/nowhere"),
        ("name: compact_cnn", "name: compactcnn", "did you mean 'compact_cnn'?"),
    ]
    for start, line, words in mistakes:
        with changed(reproduced, "params.yaml"):
            reproduced.set(start, line)
            done = reproduced.repro(ok=False)
            assert done.returncode != 0
            assert words in done.stderr + done.stdout
            assert "Traceback" not in done.stderr + done.stdout
    assert reproduced.read("build/evaluation/metrics.json") == before
    assert stages_run(reproduced.repro()) == []


def test_a_second_clone_gives_the_same_lock_although_its_training_is_interrupted(
    reproduced: Project, make_project: Callable[[], Project]
) -> None:
    """Of the stages after it their own tests hold that they write the same bytes twice, and `make verify` of all."""
    second = make_project()
    (second.folder / "dvc.lock").unlink(missing_ok=True)
    process = subprocess.Popen(
        ["dvc", "repro", "train"], cwd=second.folder, env=second.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_for(lambda: any((second.folder / "build/checkpoints").rglob("*.npz")), process, 400)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to DVC and its stage
    assert process.wait(timeout=120) not in {0, None}
    done = second.repro("train")
    assert stages_run(done) == ["train"]
    assert "going on after epoch " in done.stdout + done.stderr
    locks = [YAML(typ="safe").load(project.read("dvc.lock"))["stages"] for project in (second, reproduced)]
    assert locks[0] == {name: locks[1][name] for name in ("download", "preprocess", "split", "train")}


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the training ended before it could be interrupted"
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_archive_beside_the_repository_is_a_source(make_project: Callable[[], Project], tmp_path: Path) -> None:
    project = make_project()
    for lock in ("dvc.lock", "tuning/dvc.lock"):  # of whose results the cache of this project has none
        (project.folder / lock).unlink(missing_ok=True)
    project.commit()
    project.run(
        "python",
        "-c",
        f"import shutil; shutil.make_archive({str(tmp_path / 'eigene bilder')!r}, 'zip', 'samples/covid_ct')",
    )
    project.run("dvc", "exp", "run", "-S", f"dataset.source={tmp_path / 'eigene bilder.zip'}", "preprocess")
    assert "CT_COVID" in project.read("build/prepared/index.csv")


def test_a_folder_of_any_name_leads_to_a_report_in_one_command_and_the_way_back_runs_no_stage(
    reproduced: Project, tmp_path: Path
) -> None:
    project, metrics = reproduced.copied(tmp_path / "copy"), "build/evaluation/metrics.json"
    for label, first in (("肺炎", 0), ("سليم", 50)):
        for patient in range(first, first + 12):
            for image in range(2):
                picture = smooth(40, 40, seed=patient * 2 + image, channels=1)
                save(tmp_path / "Мои scans ü" / label / f"p{patient}_{image}.png", picture)
    done = project.run(
        "python", "-m", "src.reproduce", "--source", str(tmp_path / "Мои scans ü"),
        "--set", "train.epochs=1 train.patience=1", "evaluate.resamples=100", "track.model=false",
    )  # fmt: skip
    assert {"download", "train", "export"} <= set(stages_run(done))
    assert "24 groups by the file names" in done.stdout
    assert "Glyph" not in done.stderr + done.stdout
    assert "肺炎" in project.read("build/evaluation/report.html")
    assert "Plan of Мои scans ü" in project.read("params.yaml")
    assert project.read(metrics) != reproduced.read(metrics)
    back = project.run("python", "-m", "src.reproduce", "covid_compact", "--set", "train.epochs=3")
    assert stages_run(back) == []
    assert project.read(metrics) == reproduced.read(metrics)
    assert "MLflow: run " in back.stderr
