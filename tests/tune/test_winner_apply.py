"""The winner's values go into params.yaml, and nothing else of it changes."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from src.config import load, parse
from src.config.overrides import with_values
from src.core.errors import AssayError
from src.core.nested import get as value
from src.tune.winner import apply, replaced
from tests import sections
from tests.conftest import ROOT

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
AUGMENT = sections.augment().model_dump()
WINNER: dict[str, Any] = {
    "train.optimizer": "sgd",
    "train.momentum": 0.7640201996616449,
    "train.learning_rate": 1e-05,
    "train.batch_size": 128,
    "train.augment": AUGMENT | {"rotation": 20.5, "flip": "none"},
    "train.schedule.name": "constant",
    "preprocess.steps": ["gray", "resize"],
    "preprocess.clahe.clip_limit": 2.5,
    "preprocess.image_size": [60, 80],
}


def content(text: str) -> Any:
    return parse(YAML(typ="safe", pure=True).load(text)).model_dump(mode="json")


def test_the_values_stand_there_exactly_and_nothing_else_changes() -> None:
    text = replaced(TEXT, WINNER)
    assert content(text) == with_values(content(TEXT), WINNER)
    assert value(content(text), "train.learning_rate") == 1e-05
    assert value(content(text), "train.momentum") == 0.7640201996616449
    assert [line for line in text.splitlines() if "#" in line] == [line for line in TEXT.splitlines() if "#" in line]


def test_a_value_that_stands_there_already_is_left_as_it_is_written() -> None:
    assert replaced(TEXT, {"train.learning_rate": 0.002, "train.augment.brightness": 0.0}) == TEXT


def test_a_value_shared_by_an_anchor_is_not_changed_behind_the_back_of_another() -> None:
    text = TEXT.replace("epochs: 60", "epochs: &many 60").replace("patience: 60", "patience: *many")
    assert content(replaced(text, {"train.patience": 7})) == with_values(content(TEXT), {"train.patience": 7})


def test_apply_writes_the_file_and_shows_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    shown = apply(path, {"model.dropout": 0.25})
    assert "-  dropout: 0.3\n+  dropout: 0.25\n" in shown
    assert load(path).model.dropout == 0.25
    assert apply(path, {"model.dropout": 0.25}) == ""
    assert [each.name for each in tmp_path.iterdir()] == ["params.yaml"]


def test_a_file_that_is_not_valid_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace("epochs: 60", "epochs: many"))
    before = path.read_bytes()
    with pytest.raises(AssayError, match=r"train\.epochs: expected an integer"):
        apply(path, {"model.dropout": 0.25})
    assert path.read_bytes() == before
