"""A sweep varies one entry at a time, and each of its values is a trial."""

from collections.abc import Mapping
from typing import Any

import pytest

from src.config import Params, parse
from src.config.overrides import replaced
from src.core.errors import AssayError
from src.tune import space
from src.tune.space import checked
from tests import sections

SPACE = {
    "train.batch_size": {"choices": [16, 64]},
    "train.learning_rate": {"low": 1e-5, "high": 0.1, "log": True},
    "train.optimizer": {"choices": ["adam", "sgd"]},
    "train.momentum": {"low": 0.5, "high": 0.9, "when": {"train.optimizer": "sgd"}},
}
BASELINE = {"train.batch_size": 32, "train.learning_rate": 0.002, "train.optimizer": "adam"}


def params(varied: Mapping[str, Any] = SPACE) -> Params:
    return parse(replaced(sections.CONTENT, {"tune.space": varied, **BASELINE}))


def test_each_value_is_tried_once_while_the_others_are_those_of_the_baseline() -> None:
    _, tried = space.narrowed(params(), ["train.batch_size", "train.learning_rate"])
    here = {"train.batch_size": 32, "train.learning_rate": 0.002}
    assert tried[0] == here
    assert [len([key for key in here if point[key] != here[key]]) for point in tried] == [0, *[1] * 7]
    assert [point["train.batch_size"] for point in tried[:3]] == [32, 16, 64]
    assert [point["train.learning_rate"] for point in tried[3:]] == [1e-5, 1e-4, 1e-3, 1e-2, 0.1]


def test_what_is_tried_lies_in_the_space_and_nothing_is_pruned() -> None:
    narrow, points = space.narrowed(params(), ["train.batch_size", "train.optimizer"])
    assert narrow.tune.pruner.name == "none"
    for point in points:
        for name, entry in checked(narrow).items():
            assert point[name] in entry.choices


def test_a_range_of_whole_numbers_keeps_its_steps() -> None:
    varied = {"train.batch_size": {"low": 16, "high": 64, "step": 16}}
    narrow, _ = space.narrowed(params(varied), ["train.batch_size"])
    assert narrow.tune.space["train.batch_size"].choices == (16, 32, 48, 64)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["train.batchsize"], "did you mean 'train.batch_size'"),
        (["train.momentum"], "has no effect on the baseline: it needs train.optimizer"),
    ],
)
def test_what_cannot_be_swept_is_a_line(names: list[str], said: str) -> None:
    with pytest.raises(AssayError, match="--sweep") as caught:
        space.narrowed(params(), names)
    assert said in str(caught.value)
