"""What a person may get wrong about a data set is told in one line by the stage itself."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

IMAGE = b"\x89PNG\r\n\x1a\n"
MISTAKES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "layout": ({"layout": "folder"}, ["dataset.layout: ", "covid_ct", "did you mean 'folders'?"]),
    "no group": ({"group_pattern": r"^(\w+)_"}, ["dataset.group_pattern: ", "(?P<group>...)"]),
    "no match": ({"group_pattern": "^(?P<group>p[0-9]+)_"}, ["dataset.group_pattern: ", "found none in 4"]),
    "incomplete merge": ({"merge": {"a": "x"}}, ["dataset.merge: ", "found no b"]),
    "unknown merge": ({"merge": {"a": "x", "b": "y", "bb": "y"}}, ["dataset.merge: ", "found 'bb'"]),
    "missing file": ({"source": "table"}, ["labels.csv", "a/9.png"]),
}


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def download(tmp_path: Path) -> Run:
    for name in ("a/1.png", "a/2.png", "b/3.png", "b/4.png"):
        for folder in ("source", "table"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_bytes(IMAGE)
    (tmp_path / "table" / "labels.csv").write_text("path,label\na/1.png,a\na/9.png,b\n", encoding="utf-8")
    params = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")

    def run(values: dict[str, Any], module: str = "stages.download") -> subprocess.CompletedProcess[str]:
        params["dataset"] |= {"source": "source", "layout": "folders", "positive": None} | values
        YAML().dump(params, tmp_path / "params.yaml")
        return subprocess.run(
            [sys.executable, "-m", module], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=False, capture_output=True, text=True,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_leaves_nothing(download: Run, mistake: str, tmp_path: Path) -> None:
    values, told = MISTAKES[mistake]
    done = download(values)
    assert done.returncode == 1
    *earlier, last = done.stderr.strip().splitlines()
    assert earlier in ([], ["source: class folders"]), done.stderr  # what the images were read as
    assert last.startswith("error: ")
    assert all(words in done.stderr for words in told), done.stderr
    assert not (tmp_path / "build" / "raw").exists()


def test_make_repro_tells_of_an_unknown_layout_before_dvc_looks_for_its_file(download: Run) -> None:
    done = download({"layout": "folder"}, "src.reproduce")
    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: dataset.layout: ")
    assert "did you mean 'folders'?" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize("module", ["stages.download", "src.reproduce"])
def test_a_password_in_params_is_refused_and_not_echoed(download: Run, module: str) -> None:
    done = download({"source": "https://me:wo@rd@host/x.zip?a=word"}, module)
    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: dataset.source: expected a URL without user and password: put ")
    assert done.stderr.endswith("; found 'https://host/x.zip'\n")


def test_without_a_mistake_the_same_command_writes_the_manifest(download: Run, tmp_path: Path) -> None:
    assert download({}).returncode == 0
    assert (tmp_path / "build" / "raw" / "manifest.csv").is_file()
