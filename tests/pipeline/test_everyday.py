"""The everyday commands of DVC and git in a clone that holds a result: nothing is wrong, and nothing says so."""

from pathlib import Path

import pytest

from tests.pipeline.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
COMMANDS = (
    "status", "push", "fetch", "pull", "checkout", "metrics show", "metrics diff", "params diff", "plots show",
    "plots diff HEAD", "exp show", "gc --workspace --force",
)  # fmt: skip
WRONG = ("error", "warning")  # how lines begin
EXPECTED = "this will remove all cache except items used in the workspace"  # what gc does, in a warning
FEW = 10  # columns that people compare


def test_everyday_commands_find_nothing_wrong_and_leave_nothing_behind(reproduced: Project, tmp_path: Path) -> None:
    project = reproduced.copied(tmp_path / "clone")
    project.run("dvc", "remote", "add", "--quiet", "--local", "--default", "store", str(tmp_path / "store"))
    for command in COMMANDS:
        done = project.run("dvc", *command.split())
        lines = [line for line in (done.stdout + done.stderr).lower().splitlines() if EXPECTED not in line]
        assert not [line for line in lines if line.startswith(WRONG)], command
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert "up to date" in project.run("dvc", "status").stdout
    header = project.run("dvc", "metrics", "show").stdout.splitlines()[0].split()
    assert header[0] == "Path"
    assert len(header) - 1 <= FEW
    assert {"test_auc", "test_accuracy", "val_auc"} <= set(header)
