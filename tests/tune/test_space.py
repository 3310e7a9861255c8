"""The space is checked before anything runs, and a trial is asked for the same values in the same order."""

from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from ruamel.yaml import YAML

from src.config import Params, SpaceEntry, parse
from src.config.overrides import with_values
from src.core.errors import AssayError
from src.tune.space import checked, decode, encode, suggest
from tests.conftest import ROOT

optuna.logging.set_verbosity(optuna.logging.WARNING)
STEP = {"name": "step", "warmup": 0, "every": 10, "factor": 0.5, "floor": 0.0}
SGD = {"train.optimizer": {"choices": ["adam", "sgd"]}}


def params(space: Mapping[str, Any]) -> Params:
    content = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    content["tune"]["space"] = dict(space)
    return parse(content)


def refused(space: Mapping[str, Any]) -> str:
    with pytest.raises(AssayError) as caught:
        checked(params(space))
    return str(caught.value)


def draw(space: Mapping[str, SpaceEntry], trials: int, seed: int = 3) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [suggest(study.ask(), space) for _ in range(trials)]


MISTAKES = {
    "misspelt": (
        {"train.batchsize": {"choices": [1, 2]}},
        "tune.space.train.batchsize: unknown parameter; did you mean 'train.batch_size'?",
    ),
    "without its section": (
        {"dropout": {"low": 0.0, "high": 0.5}},
        "tune.space.dropout: unknown parameter; did you mean 'model.dropout'?",
    ),
    "misspelt deep down": (
        {"preprocess.clahe.clip_limt": {"low": 1.0, "high": 2.0}},
        "unknown parameter; did you mean 'preprocess.clahe.clip_limit'?",
    ),
    "a section": ({"train": {"choices": [{}]}}, "tune.space.train: expected a parameter of that section, such as"),
    "names within a section": (
        {"train": {"epochs": {"low": 20, "high": 60}}},
        "tune.space: expected dotted names, such as train.epochs; found a section 'train'",
    ),
    "the seed": ({"seed": {"choices": [1, 2]}}, "tune.space.seed: cannot be varied: it is chance"),
    "the source": ({"dataset.source": {"choices": ["a", "b"]}}, "dataset.source: cannot be varied: other images"),
    "the split": ({"split.val": {"choices": [0.1, 0.2]}}, "split.val: cannot be varied: other images"),
    "the judge": ({"evaluate.threshold": {"choices": ["f1"]}}, "threshold: cannot be varied: training does not read"),
    "the tracker": ({"track.model": {"choices": [True]}}, "track.model: cannot be varied: training does not read it"),
    "itself": ({"tune.metric": {"choices": ["f1"]}}, "tune.metric: cannot be varied: training does not read it"),
    "threads": ({"train.threads": {"choices": [1, 2]}}, "train.threads: cannot be varied: it follows from the number"),
    "choice that is none": (
        {"train.optimizer": {"choices": ["adam", "adma"]}},
        "tune.space.train.optimizer: expected one of adadelta, adagrad, adam, adamw, rmsprop, sgd; did you mean 'adam'",
    ),
    "upper end out of range": (
        {"model.dropout": {"low": 0.0, "high": 1.0}},
        "tune.space.model.dropout: expected a number below 1.0; found 1.0",
    ),
    "lower end out of range": (
        {"model.stride": {"low": 0, "high": 2}},
        "model.stride: expected a number of at least 1",
    ),
    "fractions for a count": (
        {"train.batch_size": {"low": 16.0, "high": 64.0}},
        "tune.space.train.batch_size: expected an integer; found 16.0",
    ),
    "even ones between": (
        {"preprocess.crop.blur": {"low": 1, "high": 5}},
        "crop.blur: expected an odd number; found 2",
    ),
    "wrong within a mapping": (
        {"train.schedule": {"choices": [STEP | {"name": "cosine"}, STEP | {"evry": 3}]}},
        "tune.space.train.schedule.evry: unknown key; did you mean 'every'?",
    ),
    "one within another": (
        {"train.augment": {"choices": [{}]}, "train.augment.zoom": {"low": 0.0, "high": 0.2}},
        "tune.space.train.augment.zoom: train.augment as a whole is varied, too",
    ),
    "when of no entry": (
        {"train.momentum": {"low": 0.5, "high": 0.9, "when": {"train.optimiser": "sgd"}}, **SGD},
        "when: expected an entry of tune.space with choices, found 'train.optimiser'; did you mean 'train.optimizer'?",
    ),
    "when of a value that is no choice": (
        {"train.momentum": {"low": 0.5, "high": 0.9, "when": {"train.optimizer": ["sgd", "adamw"]}}, **SGD},
        'tune.space.train.momentum: when: expected choices of train.optimizer, "adam", "sgd"; found "adamw"',
    ),
    "circle": (
        {
            "model.stride": {"choices": [1, 2], "when": {"model.pooling": "max"}},
            "model.pooling": {"choices": ["max", "none"], "when": {"model.stride": 1}},
        },
        "tune.space: when: model.stride, model.pooling depend on each other",
    ),
}


@pytest.mark.parametrize(("space", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_that_names_the_entry(space: Mapping[str, Any], message: str) -> None:
    found = refused(space)
    assert message in found
    assert "\n" not in found


def test_several_mistakes_are_told_at_once() -> None:
    found = refused({"model.stride": {"choices": [0]}, "model.dropout": {"low": 0.0, "high": 2.0}})
    assert "model.stride" in found.splitlines()[0]
    assert found.splitlines()[1].startswith("error: tune.space.model.dropout")


FORMS = {
    "nothing": ({}, "expected choices, or low and high"),
    "half a range": ({"low": 1}, "expected choices, or low and high"),
    "both": ({"choices": [1], "low": 1, "high": 2}, "expected either choices or a range, found choices and high, low"),
    "no choice": ({"choices": []}, "expected choices that differ, at least one"),
    "twice the same": ({"choices": [[1], [1]]}, "expected choices that differ, at least one"),
    "upside down": ({"low": 2, "high": 1}, "expected low below high, found 2 and 1"),
    "log from zero": ({"low": 0, "high": 1, "log": True}, "expected log with a low above 0"),
    "log in steps": ({"low": 1, "high": 9, "log": True, "step": 2}, "expected log with a low above 0 and without step"),
    "backwards": ({"low": 1, "high": 9, "step": -2}, "expected a step above 0, found -2"),
    "step that misses": ({"low": 0.0, "high": 1.0, "step": 0.3}, "expected high to be low plus a multiple of step"),
    "text for a number": ({"low": "1e-5x", "high": 1}, "expected a number; found '1e-5x'"),
    "yes for a number": ({"low": True, "high": 1}, "expected a number; found True"),
    "misspelt": ({"low": 1, "hihg": 2}, "unknown key; did you mean 'high'?; known: choices, low, high"),
    "a list": ([1, 2], "expected a section with the keys choices, low, high"),
}


@pytest.mark.parametrize(("entry", "message"), FORMS.values(), ids=FORMS)
def test_an_entry_is_choices_or_a_range(entry: Mapping[str, Any], message: str) -> None:
    with pytest.raises(AssayError) as caught:
        params({"train.batch_size": entry})
    assert "params.yaml: tune.space.train.batch_size" in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_metric_that_is_none_lists_them() -> None:
    content = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    content["tune"]["metric"] = ["auc", "parametres"]
    with pytest.raises(AssayError, match=r"tune\.metric\.1: expected one of accuracy, .*did you mean 'parameters'"):
        parse(content)
    content["tune"]["metric"] = ["auc", "auc"]
    with pytest.raises(AssayError, match="expected the name of a metric, or a list of two"):
        parse(content)


def test_the_committed_space_holds() -> None:
    space = checked(parse(YAML(typ="safe", pure=True).load(ROOT / "params.yaml")))
    content = params({}).model_dump(mode="json")
    for values in draw(space, 30):
        with_values(content, values)
        assert ("train.momentum" in values) == (values["train.optimizer"] == "sgd")


def test_what_a_trial_depends_on_is_asked_before_it() -> None:
    """Deeper conditions: weight decay only with adamw, which is only tried without a stride."""
    space = checked(
        params(
            {
                "train.weight_decay": {"low": 0.0, "high": 0.1, "when": {"train.optimizer": ["adamw"]}},
                "train.optimizer": {"choices": ["adam", "adamw"], "when": {"model.stride": 1}},
                "model.stride": {"choices": [1, 2]},
            }
        )
    )
    assert list(space) == ["model.stride", "train.optimizer", "train.weight_decay"]
    drawn = draw(space, 40)
    assert {tuple(values) for values in drawn} == {
        ("model.stride",),
        ("model.stride", "train.optimizer"),
        ("model.stride", "train.optimizer", "train.weight_decay"),
    }
    for values in drawn:
        assert ("train.optimizer" in values) == (values["model.stride"] == 1)
        assert ("train.weight_decay" in values) == (values.get("train.optimizer") == "adamw")


def test_ranges_are_kept_to() -> None:
    space = checked(
        params(
            {
                "train.batch_size": {"low": 8, "high": 64, "step": 8},
                "train.learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
                "model.dropout": {"low": 0.0, "high": 0.5, "step": 0.25},
            }
        )
    )
    drawn = draw(space, 200)
    assert {values["train.batch_size"] for values in drawn} == set(range(8, 65, 8))
    assert {values["model.dropout"] for values in drawn} == {0.0, 0.25, 0.5}
    assert 50 < sum(values["train.learning_rate"] < 10**-3.5 for values in drawn) < 150


def test_lists_and_mappings_come_back_as_they_were() -> None:
    steps = [["gray", "resize"], ["gray", "crop", "resize"]]
    schedules = [STEP | {"name": "cosine", "warmup": 2}, STEP | {"name": "constant"}]
    space = checked(
        params(
            {
                "preprocess.steps": {"choices": steps},
                "train.schedule": {"choices": schedules},
                "preprocess.crop.blur": {"choices": [3, 5], "when": {"preprocess.steps": steps[1]}},
            }
        )
    )
    drawn = draw(space, 20)
    for values in drawn:
        assert values["preprocess.steps"] in steps
        assert values["train.schedule"] in schedules
        assert ("preprocess.crop.blur" in values) == (values["preprocess.steps"] == steps[1])
        with_values(params({}).model_dump(mode="json"), values)
    assert len({str(values["preprocess.steps"]) for values in drawn}) == 2


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "sgd", [], {"a": [1, {"b": None}]}, "[1]"])
def test_what_is_encoded_is_decoded(value: object) -> None:
    encoded = encode(value)
    assert decode(encoded) == value
    assert encoded is None or isinstance(encoded, bool | int | float | str)


def test_the_same_seed_asks_for_the_same_values() -> None:
    space = checked(parse(YAML(typ="safe", pure=True).load(ROOT / "params.yaml")))
    assert draw(space, 10) == draw(space, 10)
    assert draw(space, 10) != draw(space, 10, seed=4)
