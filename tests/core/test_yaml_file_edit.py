"""Values are exchanged as DVC's own writer does it, and the params files are laid out so that nothing else moves."""

import filecmp
import shutil
from pathlib import Path

import pytest
from dvc.utils.collections import merge_dicts
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from src.core import nested, yaml_file
from tests.conftest import ROOT

FILES = [ROOT / "params.yaml", *sorted((ROOT / "presets").glob("*.yaml"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_file_is_as_dvc_writes_it(file: Path, tmp_path: Path) -> None:
    """`dvc exp run -S` puts every value anew into what it has read: no comment goes, no line moves."""
    copy = tmp_path / file.name
    shutil.copyfile(file, copy)
    with modify_yaml(copy) as content:
        merge_dicts(content, yaml_file.read(file))
        for key, value in nested.flat(yaml_file.read(file)):
            if isinstance(value, list) and not key.startswith("tune.space"):
                nested.put(content, key, list(value))
    assert copy.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_dvc_and_we_leave_the_same_file_and_one_line_changes(tmp_path: Path) -> None:
    other = {"train.epochs": 5, "train.learning_rate": 1e-05, "train.optimizer": "sgd", "dataset.positive": None}
    for key, value in (other | {"train.augment.rotation": 20.5, "dataset.table": "a b.csv"}).items():
        dvc, own = tmp_path / "dvc.yaml", tmp_path / "own.yaml"
        shutil.copyfile(FILES[0], dvc)
        apply_overrides(dvc, [f"{key}={yaml_file.written(value)}"])
        own.write_text(yaml_file.put_all(FILES[0].read_text(encoding="utf-8"), {key: value}), encoding="utf-8")
        assert filecmp.cmp(dvc, own, shallow=False), key
        lines = [each.read_text(encoding="utf-8").splitlines() for each in (FILES[0], own)]
        assert sum(one != two for one, two in zip(*lines, strict=True)) == 1


@pytest.mark.parametrize(
    "each", [1e-05, 2.5e-07, 0.1 + 0.2, 1e22, 3, True, None, "no", "it's", "a: b", "1e5", "a" * 200, [1, "x"]]
)
def test_what_is_written_on_a_line_is_read_again(each: object) -> None:
    line = f"key: {yaml_file.written(each)}"
    assert "\n" not in line
    assert YAML(typ="safe", pure=True).load(line) == {"key": each}
