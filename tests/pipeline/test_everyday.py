"""The everyday commands of DVC and git in a clone that holds a result: nothing is wrong, and nothing says so."""

import pytest

from tests.pipeline.conftest import Project
from tests.pipeline.test_tuning_stages import change, tune

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
COMMANDS = (
    "status", "push", "fetch", "pull", "checkout", "metrics show", "metrics diff", "params diff", "plots show",
    "plots diff HEAD", "exp show", "gc --workspace --force",
)  # fmt: skip
EXPERIMENTS = (
    "exp run -n wider -S evaluate.confidence=0.9",
    "exp run --queue -S seed=7",
    "exp show",
    "exp apply wider",
)
WRONG = ("error", "warning")  # how lines begin
EXPECTED = "this will remove all cache except items used in the workspace"  # what gc does, in a warning
FEW = 10  # columns that people compare
SHOWN = 20  # columns of `make experiments`


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


def test_everyday_commands_find_nothing_wrong_and_leave_nothing_behind(clone: Project) -> None:
    find_nothing_wrong(clone, *COMMANDS)
    assert clone.run("git", "status", "--porcelain").stdout == ""
    assert "up to date" in clone.run("dvc", "status").stdout
    header = clone.run("dvc", "metrics", "show").stdout.splitlines()[0].split()
    assert header[0] == "Path"
    assert len(header) - 1 <= FEW
    assert {"test_auc", "test_accuracy", "val_auc"} <= set(header)


def test_after_a_study_they_find_nothing_wrong_either(clone: Project) -> None:
    change(clone, tune__trials=2, tune__confirm__top=1, tune__confirm__seeds=2)
    tune(clone)
    clone.commit()
    find_nothing_wrong(clone, *COMMANDS)
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_an_experiment_is_run_queued_compared_and_applied(clone: Project) -> None:
    find_nothing_wrong(clone, *EXPERIMENTS)
    assert "confidence: 0.9\n" in clone.read("params.yaml")
    command = next(line for line in clone.read("Makefile").splitlines() if "exp show --only-changed" in line)
    shown = clone.run("bash", "-c", f"{command.strip().removeprefix('@')} --csv").stdout
    columns = shown.splitlines()[0].split(",")
    assert len(columns) <= SHOWN
    assert "evaluate.confidence" in columns
    clone.run("git", "checkout", "--quiet", "--", ".")
    find_nothing_wrong(clone, "checkout")
    assert "up to date" in clone.run("dvc", "status").stdout
