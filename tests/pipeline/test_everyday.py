"""The everyday commands of DVC and git, before and after a study: nothing is wrong, and nothing says so."""

import shutil

import pytest

from tests.pipeline.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
COMMANDS = (
    "status", "push", "fetch", "pull", "checkout", "metrics show", "metrics diff", "params diff", "plots show",
    "plots diff HEAD", "exp show", "gc --workspace --force",
)  # fmt: skip
# Of these a study changes what they find; the others read what it does not touch.
AFTER_STUDY = ("status", "push", "pull", "checkout", "metrics show", "exp show", "gc --workspace --force")
EXPERIMENTS = (
    "exp run -n plain -S export.calibrate=none",
    "exp run --queue -n three -S evaluate.mistakes=3",
    "exp show",
    "exp apply plain",
)
WRONG = ("error", "warning")  # how lines begin
EXPECTED = "this will remove all cache except items used in the workspace"  # what gc does, in a warning
FEW = 10  # scores that people compare
SHOWN = 6 + FEW + 2  # columns of `make experiments`: DVC's own, the scores, and the values that were changed
OUTPUTS = ("build/tuning/study", "build/tuning/confirmed")


def find_nothing_wrong(project: Project, *commands: str) -> None:
    for command in commands:
        done = project.run("dvc", *command.split())
        lines = [line for line in (done.stdout + done.stderr).lower().splitlines() if EXPECTED not in line]
        assert not [line for line in lines if line.startswith(WRONG)], command


@pytest.fixture(scope="module")
def clone(reproduced: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("everyday")
    project = reproduced.copied(folder / "clone")
    project.run("dvc", "remote", "add", "--quiet", "--local", "--default", "store", str(folder / "store"))
    return project


@pytest.fixture(scope="module")
def studied(clone: Project) -> Project:
    """Put a study's outputs under DVC as `make tune` does, without the minutes that its trainings take."""
    shutil.copyfile(clone.folder / "tuning" / "stages.yaml", clone.folder / "tuning" / "dvc.yaml")
    for name in OUTPUTS:
        (clone.folder / name).mkdir(parents=True)
        (clone.folder / name / "candidates.json").write_text("{}\n", encoding="utf-8")
    clone.run("dvc", "commit", "--force", "tuning/dvc.yaml")
    clone.commit()
    return clone


def test_everyday_commands_find_nothing_wrong_and_leave_nothing_behind(clone: Project) -> None:
    find_nothing_wrong(clone, *COMMANDS)
    assert clone.run("git", "status", "--porcelain").stdout == ""
    assert "up to date" in clone.run("dvc", "status").stdout
    header = clone.run("dvc", "metrics", "show").stdout.splitlines()[0].split()
    assert header[0] == "Path"
    assert len(header) - 1 <= FEW
    assert {"test_auc", "test_accuracy", "val_auc"} <= set(header)


def test_an_experiment_is_run_queued_compared_and_applied(clone: Project) -> None:
    find_nothing_wrong(clone, *EXPERIMENTS)
    assert "calibrate: none\n" in clone.read("params.yaml")
    assert clone.run("git", "diff", "--name-only").stdout.split() == ["dvc.lock", "params.yaml"]
    command = next(line for line in clone.read("Makefile").splitlines() if "exp show --only-changed" in line)
    shown = clone.run("bash", "-c", f"{command.strip().removeprefix('@')} --csv").stdout
    columns = shown.splitlines()[0].split(",")
    assert len(columns) <= SHOWN
    assert {"export.calibrate", "evaluate.mistakes"} <= set(columns)
    assert {"test_auc", "val_auc"} & {column.rpartition(":")[2] for column in columns}
    clone.run("git", "checkout", "--quiet", "--", ".")
    find_nothing_wrong(clone, "checkout")
    assert "up to date" in clone.run("dvc", "status").stdout


def test_after_a_study_they_find_nothing_wrong_either(studied: Project) -> None:
    find_nothing_wrong(studied, *AFTER_STUDY, "exp run -n none -S export.calibrate=none split", "exp apply none")
    studied.run("git", "checkout", "--quiet", "--", ".")
    shutil.rmtree(studied.folder / "build" / "tuning")
    find_nothing_wrong(studied, "checkout")
    assert all((studied.folder / name / "candidates.json").is_file() for name in OUTPUTS)
    assert studied.run("git", "status", "--porcelain").stdout == ""
    assert "up to date" in studied.run("dvc", "status").stdout


def test_the_page_of_curves_says_that_it_needs_a_network(clone: Project) -> None:
    said = clone.run("dvc", "plots", "diff", "HEAD").stdout.strip()
    page = clone.read(said.removeprefix(f"file://{clone.folder.as_posix()}/"))
    assert 'id="offline"' in page
    assert "cdn.jsdelivr.net" in page
    assert "it needs a network" in " ".join(page.split())
