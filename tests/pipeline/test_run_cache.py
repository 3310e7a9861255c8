"""DVC runs a stage again for every parameter that the stage lists, also where its run cache remembers an earlier run.

The run cache leaves keys called `size` or `nfiles` out of its hash (`_get_cache_hash` in dvc/stage/cache.py).
"""

import copy
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from dvc.stage.cache import RunCacheNotFoundError
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tools.dvc_deps import FILES

READ = "params.json"  # which DVC reads 20 times as fast
Keys = tuple[str, ...]
PLAIN = YAML(typ="safe", pure=True)
CONTENT: dict[str, Any] = PLAIN.load(ROOT / "params.yaml")
PARAMS: dict[str, list[str]] = {
    name: stage["params"] for file in FILES for name, stage in PLAIN.load(ROOT / file)["stages"].items()
}


def leaves(content: Mapping[str, Any], above: Keys = ()) -> Iterator[Keys]:
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name)


def other(value: Any) -> Any:
    """Return another value of a parameter."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case list():
            return [*value, "more"]
        case dict():
            return value | {"more": "more"}
        case _:
            return f"{value} more"


def with_other(keys: Keys) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    node = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = other(node.get(keys[-1]))
    return content


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write params, beside which stand two that DVC does not see."""
    more = copy.deepcopy(content)
    more["preprocess"].setdefault("size", 1)
    more["dataset"].setdefault("nfiles", 1)
    (folder / READ).write_text(json.dumps(more), encoding="utf-8")


@pytest.fixture(scope="module")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    """A DVC repository whose stages list the params of the real ones and have run, so that the run cache knows them."""
    folder, before = tmp_path_factory.mktemp("warmed"), Path.cwd()
    stages = {
        name: {
            "cmd": f"echo {name} > {name}.txt",
            "deps": ["code.txt"],
            "params": [{READ: params}],
            "outs": [f"{name}.txt"],
        }
        for name, params in PARAMS.items()
    }
    with (folder / "dvc.yaml").open("w", encoding="utf-8") as file:
        PLAIN.dump({"stages": stages}, file)
    (folder / "code.txt").write_text("code")
    write(folder, CONTENT)
    os.chdir(folder)
    try:
        Repo.init(no_scm=True).close()
        with Repo() as repo:
            assert len(repo.reproduce()) == len(PARAMS)
        with Repo() as repo:
            yield repo
    finally:
        os.chdir(before)


def run_again(repo: Repo, content: dict[str, Any]) -> set[str]:
    """Return the stages that DVC would run for other params: those that changed, and that the run cache cannot give."""
    write(Path(repo.root_dir), content)
    found = set()
    for stage in repo.index.stages:
        locked = [dep.hash_info for dep in stage.deps]
        with repo.lock:
            if stage.changed_deps():
                try:
                    repo.stage_cache.restore(stage)
                except RunCacheNotFoundError:
                    found.add(stage.name)
        for dep, known in zip(stage.deps, locked, strict=True):  # as in dvc.lock again, without reading that anew
            dep.hash_info = known
    return found


def listed(keys: Keys) -> set[str]:
    name = ".".join(keys)
    return {stage for stage, params in PARAMS.items() if any(f"{name}.".startswith(f"{key}.") for key in params)}


@pytest.mark.parametrize("keys", leaves(CONTENT), ids=".".join)
def test_a_change_of_a_parameter_runs_every_stage_that_lists_it(warmed: Repo, keys: Keys) -> None:
    assert run_again(warmed, with_other(keys)) == listed(keys)


@pytest.mark.parametrize("keys", [("preprocess", "size"), ("dataset", "nfiles")], ids=".".join)
def test_dvc_does_not_see_a_change_of_these_names(warmed: Repo, keys: Keys) -> None:
    """Where this fails, DVC has learned to, and these names may be used again."""
    assert listed(keys)
    assert run_again(warmed, with_other(keys)) == set()


def test_every_stage_of_the_pipeline_may_come_from_the_run_cache() -> None:
    with Repo(str(ROOT)) as repo:
        outs = {out.def_path: out for stage in repo.index.stages for out in stage.outs}
    assert "build/prepared" in outs
    # Either option turns the run cache off for a stage (`_can_hash` in dvc/stage/cache.py).
    assert [path for path, out in outs.items() if out.persist or not out.use_cache] == []
