"""The study as stages: made once, then found in the cache; a killed one goes on, and an edit begins another."""

import csv
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from src.presets import changed
from tests.pipeline.conftest import Project, Run, stages_run
from tests.pipeline.test_pipeline import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TUNE, CONFIRM = "tuning/dvc.yaml:tune", "tuning/dvc.yaml:confirm"
SMALL = {
    "model.name": "tiny_cnn", "preprocess.image_size": 32, "train.epochs": 2, "train.threads": 1, "track.model": False,
    "tune.trials": 3, "tune.confirm.top": 1, "tune.confirm.seeds": 2,
}  # fmt: skip
ENDED = '"op_code":6'  # a trial's record in the journal of its state, and of its value if it has ended
OUTPUTS = [
    "build/tuning/study/trials.csv", "build/tuning/study/candidates.json", "build/tuning/study/figures/history.png",
    "build/tuning/study/study.html", "build/tuning/confirmed/confirm.csv", "build/tuning/confirmed/best.yaml",
]  # fmt: skip


def change(project: Project, **values: Any) -> None:
    named = {name.replace("__", "."): value for name, value in values.items()}
    path = project.folder / "params.yaml"
    path.write_text(changed(path.read_text(encoding="utf-8"), named, "params.yaml"), encoding="utf-8")


@contextmanager
def kept(project: Project) -> Iterator[None]:
    """Take back what is changed in params.yaml and what follows from it."""
    before = {name: (project.folder / name).read_bytes() for name in ("params.yaml", "dvc.lock", "tuning/dvc.lock")}
    try:
        yield
    finally:
        for name, content in before.items():
            (project.folder / name).write_bytes(content)


def rows(project: Project, name: str) -> list[dict[str, str]]:
    with (project.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def studies(project: Project) -> set[Path]:
    return set((project.folder / "build" / "studies").glob("tune-*"))


def tune(project: Project) -> Run:
    shutil.copyfile(project.folder / "tuning" / "stages.yaml", project.folder / "tuning" / "dvc.yaml")
    return project.repro("tuning/dvc.yaml")


@pytest.fixture(scope="module")
def studied(make_project: Callable[[], Project]) -> Project:
    """Give a project in which the study has been made; tests leave it up to date."""
    project = make_project()
    change(project, **{name.replace(".", "__"): value for name, value in SMALL.items()})
    done = tune(project)
    assert stages_run(done)[-2:] == [TUNE, CONFIRM]
    assert "leaked" not in done.stderr
    assert "3 of 3 finished trials" in done.stdout
    assert "over 2 seeds, auc on val (baseline: params.yaml as the study found it):" in done.stdout
    return project


def test_the_study_leaves_its_outputs(studied: Project) -> None:
    assert [name for name in OUTPUTS if not (studied.folder / name).stat().st_size] == []


def test_a_finished_study_is_a_cache_hit(studied: Project) -> None:
    assert stages_run(tune(studied)) == []
    status = studied.run("dvc", "status", "tuning/dvc.yaml", "--with-deps").stdout
    assert "up to date" in status


def test_the_pipeline_in_the_root_knows_nothing_of_the_study(studied: Project) -> None:
    dry = studied.repro("--dry", ok=False)  # which ends where a stage needs what the one before did not make
    assert [stage for stage in stages_run(dry) if stage != "check"][:1] == ["train"]  # a search checks for itself
    assert "tuning" not in dry.stdout


def test_no_output_names_this_machine(studied: Project) -> None:
    for name in OUTPUTS:
        assert str(studied.folder).encode() not in (studied.folder / name).read_bytes(), name


def test_the_winner_is_told_and_applied(studied: Project) -> None:
    command = ("python", "-m", "src.tune", "--winner", "build/tuning/confirmed/best.yaml")
    told = studied.run(*command).stdout
    ahead = "--apply writes it into params.yaml" in told
    assert ahead != ("kept as it is" in told)
    with kept(studied):
        before = studied.read("params.yaml")
        studied.run(*command, "--apply")
        assert (studied.read("params.yaml") != before) == ahead


def test_a_clone_with_the_cache_confirms_another_way_without_searching(studied: Project, tmp_path: Path) -> None:
    clone = studied.copied(tmp_path / "clone")
    shutil.rmtree(clone.folder / "build" / "studies")
    shutil.rmtree(clone.folder / "build" / "tuning")
    change(clone, tune__confirm__seeds=3)
    done = tune(clone)
    assert stages_run(done) == [CONFIRM]
    assert studies(clone) == set()
    assert clone.read("build/tuning/study/trials.csv") == studied.read("build/tuning/study/trials.csv")
    before, after = (rows(project, "build/tuning/confirmed/confirm.csv") for project in (studied, clone))
    assert (len(before), len(after)) in {(4, 6), (2, 2)}  # two where the trial is not better with the first seed
    assert [row for row in after if row in before] == before


def test_an_edit_begins_another_study_and_a_killed_one_goes_on(studied: Project) -> None:
    first = studies(studied)
    with kept(studied):
        change(studied, model__pooling="max")
        running = subprocess.Popen(
            ["dvc", "repro", TUNE], cwd=studied.folder, env=studied.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        wait_for(lambda: any(trials_ended(folder) for folder in studies(studied) - first), running, 600)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        (second,) = studies(studied) - first
        before, ended = (second / "journal.log").read_bytes(), trials_ended(second)
        assert 1 <= ended < 3
        assert stages_run(studied.repro(TUNE)) == [TUNE]
        assert (second / "journal.log").read_bytes().startswith(before[: before.rindex(b"\n") + 1])
        assert trials_ended(second) == 3
        assert len(rows(studied, "build/tuning/study/trials.csv")) == 3
        assert studies(studied) == first | {second}
    assert stages_run(tune(studied)) == []


def trials_ended(folder: Path) -> int:
    path = folder / "journal.log"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return sum(ENDED in line and '"values":[' in line for line in lines)
