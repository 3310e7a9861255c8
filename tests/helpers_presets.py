"""A small repository with presets under git."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from src import presets
from tests.conftest import ROOT


def git(home: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *words], cwd=home, check=True, capture_output=True)


def put(name: str, source: str | None = None, changes: Mapping[str, Any] | None = None, home: Path = Path()) -> None:
    """Write params.yaml from a preset, as `python -m src.reproduce` does."""
    presets.replace(presets.made(name, source, changes or {}, home)[0], home)


def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository, as the current folder, whose params.yaml is committed."""
    shutil.copytree(ROOT / "presets", folder / "presets")
    shutil.copyfile(folder / "presets" / "covid_compact.yaml", folder / "params.yaml")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")
    monkeypatch.chdir(folder)
    return folder
