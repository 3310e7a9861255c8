"""Each dvc.yaml names what its stages read: no more, or they run for nothing; no less, or their results go stale."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from src.params import Params
from src.tuning.settings import value
from tests.closure import FILES, ROOT, WHOLE, code_deps, entry, is_code


def read(file: str) -> Any:
    return YAML(typ="safe", pure=True).load(ROOT / file)


STAGES = read("dvc.yaml")["stages"]
ALL = [(file, name) for file in FILES for name in read(file)["stages"]]


@pytest.mark.parametrize(("file", "name"), ALL)
def test_code_deps_are_the_import_closure_of_the_entry_point(file: str, name: str) -> None:
    stage = read(file)["stages"][name]
    listed = {dep for dep in stage["deps"] if is_code(dep)}
    needed = set(code_deps(entry(stage), whole=WHOLE.get(file, ())))
    assert listed == needed, "run `make deps`"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_only_the_params_that_it_lists(name: str) -> None:
    source = (ROOT / "stages" / f"{name}.py").read_text(encoding="utf-8")
    listed = {key.split(".")[0] for key in STAGES[name]["params"]}
    used = {section for section in Params.model_fields if f"params.{section}" in source}
    if "params.shown(" in source:
        used = set(Params.model_fields) - {"track", "tune"}
    assert used == listed


@pytest.mark.parametrize(("file", "name"), ALL)
def test_listed_params_exist(file: str, name: str) -> None:
    for key in read(file)["stages"][name]["params"]:
        value(read("params.yaml"), key)


def test_a_new_import_shows_in_the_closure(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "far.py").write_text("NAME = 'page.html'\n")
    (tmp_path / "src" / "page.html").write_text("")
    (tmp_path / "src" / "near.py").write_text("def f():\n    import src.far\n")
    (tmp_path / "src" / "apart.py").write_text("")
    (tmp_path / "stages" / "one.py").write_text("from src import near\n")
    assert code_deps("stages.one", tmp_path) == ["src/far.py", "src/near.py", "src/page.html", "stages/one.py"]


def test_a_folder_stands_for_its_files_only_if_most_are_needed(tmp_path: Path) -> None:
    for name in ("stages/one", "src/__init__", "src/all/__init__", "src/all/a", "src/some/__init__", "src/some/b"):
        (tmp_path / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.py").write_text("")
    (tmp_path / "stages" / "one.py").write_text("import src.all.a\nimport src.some\n")
    assert code_deps("stages.one", tmp_path) == ["src/__init__.py", "src/all", "src/some/__init__.py", "stages/one.py"]
