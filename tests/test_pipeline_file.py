"""dvc.yaml names what each stage reads: no more, or it runs for nothing; no less, or its result goes stale."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from src.params import Params
from tests.closure import ROOT, code_deps, entry, is_code

STAGES = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_are_the_import_closure_of_the_entry_point(name: str) -> None:
    listed = {dep for dep in STAGES[name]["deps"] if is_code(dep)}
    needed = set(code_deps(entry(STAGES[name])))
    assert listed == needed, "run `make deps`"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reads_only_the_params_that_it_lists(name: str) -> None:
    source = (ROOT / "stages" / f"{name}.py").read_text(encoding="utf-8")
    listed = {key.split(".")[0] for key in STAGES[name]["params"]}
    used = {section for section in Params.model_fields if f"params.{section}" in source}
    if "params.shown(" in source:
        used = set(Params.model_fields) - {"track", "tune"}
    assert used == listed


@pytest.mark.parametrize("name", STAGES)
def test_listed_params_exist(name: str) -> None:
    for key in STAGES[name]["params"]:
        node: object = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
        for part in key.split("."):
            assert isinstance(node, dict)
            assert part in node, key
            node = node[part]


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
