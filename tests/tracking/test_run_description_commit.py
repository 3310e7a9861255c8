"""What is known of commit, packages and machine, also where git or a repository is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from src.tracking import run_description
from src.tracking.run_description import Commit, read_commit


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "trunk")
    for name in ("params.yaml", "dvc.lock", "src/one.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_without_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_commit(tmp_path) == Commit()


def test_before_the_first_commit_nothing_is_known(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert read_commit(tmp_path) == Commit()


def test_without_git_nothing_is_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert read_commit(repository) == Commit()


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    assert read_commit(repository) == Commit(git(repository, "rev-parse", "HEAD"), "trunk", False, "")


def test_an_edit_makes_it_dirty_and_shows_in_the_diff(repository: Path) -> None:
    (repository / "params.yaml").write_text("new\n")
    found = read_commit(repository)
    assert found.dirty
    assert "+new" in found.diff


def test_the_diff_put_onto_the_commit_gives_the_edited_tree(repository: Path) -> None:
    (repository / "src/one.py").write_text("old\nnew \n\n")
    found = read_commit(repository)
    git(repository, "checkout", "-q", found.commit, "--", ".")
    subprocess.run(["git", "apply"], cwd=repository, input=found.diff.encode(), check=True)
    assert (repository / "src/one.py").read_text() == "old\nnew \n\n"


def test_values_of_params_that_are_not_committed_are_named(repository: Path) -> None:
    (repository / "params.yaml").write_text("seed: 1\ntrain: {epochs: 60, batch_size: 30}\ntrack: {experiment: a}\n")
    git(repository, "commit", "-q", "-a", "-m", "values")
    assert read_commit(repository).changes == {}
    (repository / "params.yaml").write_text("seed: 1\ntrain: {epochs: 5, batch_size: 30}\ntrack: {experiment: b}\n")
    assert read_commit(repository).changes == {"train.epochs": "5"}


def test_the_lock_that_the_pipeline_writes_does_not_make_it_dirty(repository: Path) -> None:
    (repository / "dvc.lock").write_text("new\n")
    assert read_commit(repository) == Commit(git(repository, "rev-parse", "HEAD"), "trunk", False, "")


def test_new_code_makes_it_dirty_and_other_new_files_do_not(repository: Path) -> None:
    (repository / "notes.txt").write_text("x")
    assert not read_commit(repository).dirty
    (repository / "src/two.py").write_text("x")
    assert read_commit(repository).dirty


def test_files_that_git_does_not_know_never_reach_the_diff(repository: Path) -> None:
    (repository / ".env").write_text("PASSWORD=hunter2\n")
    (repository / "params.yaml").write_text("new\n")
    assert "hunter2" not in read_commit(repository).diff


def test_the_environment_pins_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    monkeypatch.setattr(sys, "path", ["a" * 5000, *sys.path])  # a folder that cannot be searched
    text = run_description.environment()
    assert f"\nnumpy=={numpy.__version__}\n" in text
    assert text.startswith("# host ")
    assert "\n# python 3." in text
