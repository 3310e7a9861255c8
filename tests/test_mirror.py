"""Tests stand where their code does: src/ROOM/x.py has tests/ROOM/test_x.py, a second chapter of it test_x_topic.py."""

from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = ROOT / "tests"
# The whole pipeline, the documents, the workflows and this rule are no module's own.
APART = {"pipeline", "test_docs.py", "test_mirror.py", "test_registries.py"}
CODE = {"tools": ROOT / "tools", "stages": ROOT / "stages"}  # everything else stands in src
HELPERS = ("helpers", "sections", "conftest", "kill_repro")
FILES = [
    path.relative_to(TESTS) for path in sorted(TESTS.rglob("*.py")) if path.relative_to(TESTS).parts[0] not in APART
]


def modules(folder: Path) -> set[str]:
    """Name the modules and packages of a folder, without the underscores before and behind a name."""
    return {path.stem.strip("_") for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_test_file_is_called_after_its_module(file: Path) -> None:
    first = file.parts[0]
    code = CODE[first].joinpath(*file.parts[1:]).parent if first in CODE else ROOT.joinpath("src", file).parent
    if not file.name.startswith("test_"):
        assert file.stem.startswith(HELPERS), (
            "helpers are called helpers.py, or helpers_topic.py where there are several"
        )
        return
    assert code.is_dir(), f"{code} is no room"
    named = file.stem.removeprefix("test_")
    assert any(f"{named}_".startswith(f"{module}_") for module in modules(code)), f"no module {named} in {code}"
