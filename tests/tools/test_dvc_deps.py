"""Each dvc.yaml names what its stages read: no more, or they run for nothing; no less, or their results go stale."""

import inspect

import pytest

from src.config import Params
from src.export.stage import Setting
from tools import dvc_deps
from tools.dvc_deps import ALL_MODELS, FILES, ROOT, entry, is_code, read

STAGES = read("dvc.yaml")["stages"]
ALL = [(file, name) for file in FILES for name in read(file)["stages"]]


@pytest.mark.parametrize(("file", "name"), ALL)
def test_code_deps_are_the_rooms_that_the_entry_point_imports(file: str, name: str) -> None:
    stage = read(file)["stages"][name]
    listed = [dep for dep in stage["deps"] if is_code(dep)]
    assert listed == dvc_deps.code_deps(entry(stage), all_models=file in ALL_MODELS), "run `make deps`"


def test_a_stage_lists_few_dependencies() -> None:
    assert max(len(stage["deps"]) for file in FILES for stage in read(file)["stages"].values()) <= 19


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_only_the_params_that_it_lists(name: str) -> None:
    source = (ROOT / "stages" / f"{name}.py").read_text(encoding="utf-8")
    listed = {key.split(".")[0] for key in STAGES[name]["params"]}
    if "Setting.of(params)" in source:
        source += inspect.getsource(Setting.of)
    used = {section for section in Params.model_fields if f"params.{section}" in source}
    if "params.for_report(" in source:
        used = set(Params.model_fields) - {"export", "track", "repeat", "tune"}
    assert used == listed


@pytest.mark.parametrize(("file", "name"), ALL)
def test_listed_params_exist(file: str, name: str) -> None:
    for key in read(file)["stages"][name]["params"]:
        value = read("params.yaml")
        for part in key.split("."):
            value = value[part]
