"""Each comparison is made of experiments that differ, and its table has a place on the page."""

from pathlib import Path

import pytest

from src import presets
from src.presets import write_params
from tests.conftest import ROOT
from tools import comparisons
from tools.comparisons import COMPARISONS


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_runs_of_a_comparison_differ_and_have_a_place_on_its_page(name: str) -> None:
    preset, shared, runs = COMPARISONS[name]
    made = [write_params.made(preset, None, write_params.given([f"{shared} {run}"]), ROOT)[1] for run in runs]
    assert len({repr(params) for params in made}) == len(runs) > 1
    assert f"<!-- runs: {name} -->\n" in (ROOT / "docs/comparisons.md").read_text(encoding="utf-8")


def test_the_commands_name_an_archive_with_spaces_and_every_run() -> None:
    lines = list(comparisons.commands(dict.fromkeys(presets.names(ROOT), Path("my data/all.zip"))))
    assert len(lines) == sum(len(each.runs) for each in COMPARISONS.values())
    assert lines[0].startswith("python -m src.reproduce pneumonia_separable --source 'my data/all.zip' --set ")
