"""A copy of this repository in which the real pipeline runs, with few epochs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import ROOT

Run = subprocess.CompletedProcess[str]


class Project:
    """A copy of the repository under git and DVC, and how a person uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, files.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)
        self.set("epochs: ", "epochs: 3")
        self.run("git", "init", "--quiet")
        self.commit()

    def copied(self, folder: Path) -> "Project":
        """Copy the project with all that DVC has made and cached in it."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project.at(folder)

    @classmethod
    def at(cls, folder: Path) -> "Project":
        """Give the project that stands in a folder."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        names = {"GIT_AUTHOR_NAME": "a", "GIT_COMMITTER_NAME": "a"}
        mails = {"GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_EMAIL": "a@example.org"}
        return os.environ | names | mails | {"PATH": path, "DVC_NO_ANALYTICS": "1"}

    def run(self, *command: str, ok: bool = True) -> Run:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, capture_output=True, text=True
        )
        if ok and done.returncode:
            pytest.fail(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def repro(self, *options: str, ok: bool = True) -> Run:
        return self.run("dvc", "repro", *options, ok=ok)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "state")

    def set(self, start: str, line: str, file: str = "params.yaml") -> None:
        """Replace the one line of a file that starts so, indentation aside."""
        path = self.folder / file
        lines = path.read_text(encoding="utf-8").splitlines()
        places = [number for number, text in enumerate(lines) if text.strip().startswith(start)]
        assert len(places) == 1, (start, places)
        indent = lines[places[0]][: -len(lines[places[0]].lstrip()) or None]
        lines[places[0]] = (indent if lines[places[0]].startswith(" ") else "") + line
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def stages_run(done: Run) -> list[str]:
    """Name the stages that a `dvc repro` ran, in order."""
    return [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage '")]


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory, made_database: Path) -> Callable[[], Project]:
    """Make a project whose MLflow has its database, which takes seconds to make."""

    def make() -> Project:
        project = Project(tmp_path_factory.mktemp("Kopie von ä"))
        shutil.copyfile(made_database, project.folder / made_database.name)
        return project

    return make


@pytest.fixture(scope="session")
def original(shared_folder: Path) -> Project:
    """Give a project in which `dvc repro` has run once, in one process for all: nobody changes anything in it."""
    folder = shared_folder / "Kopie von ä"
    with FileLock(shared_folder / "original.lock"):
        if (shared_folder / "original.done").exists():
            return Project.at(folder)
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        folder.mkdir()
        project = Project(folder)
        project.repro()
        project.commit()
        (shared_folder / "original.done").touch()
    return project


@pytest.fixture(scope="session")
def reproduced(original: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a copy of the project in which `dvc repro` has run once; tests leave it up to date."""
    return original.copied(tmp_path_factory.mktemp("reproduced") / "Kopie von ä")
