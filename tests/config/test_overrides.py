"""The params of a trial are checked whole, and two that train alike have the same key."""

import importlib
import inspect
from typing import Any

import pytest

from src.config import overrides
from src.config.overrides import key, with_values
from src.core import registry as plugins
from src.core.errors import AssayError
from tests.executors.conftest import Home, home

__all__ = ["home"]


def changed(home: Home, **values: Any) -> dict[str, Any]:
    return with_values(home.content, {name.replace("__", "."): value for name, value in values.items()})


def test_values_are_put_in_and_the_rest_stays(home: Home) -> None:
    content = changed(home, train__schedule__name="step", preprocess__image_size=[16, 24], tune__metric="f1")
    assert content["train"]["schedule"] == {"name": "step", "warmup": 2, "every": 10, "factor": 0.5, "floor": 0.0}
    assert content["preprocess"]["image_size"] == [16, 24]
    assert content["tune"]["metric"] == ["f1"]
    assert with_values(content, {}) == content
    assert home.content["train"]["schedule"]["name"] == "cosine", "the given content is left alone"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train.schedule": {"name": "step"}}, r"tune: train\.schedule\.warmup: missing"),
        ({"train.batch_size": 0}, r"tune: train\.batch_size: expected a number of at least 1; found 0"),
        ({"train.batch": 8}, r"train\.batch: unknown key; did you mean 'batch_size'"),
        ({"train.epochs.first": 1}, r"train\.epochs\.first: unknown key, since train\.epochs is no section"),
        ({"trian.epochs": 1}, r"trian: unknown key; did you mean 'train'?"),
    ],
)
def test_a_wrong_value_is_refused(home: Home, values: dict[str, Any], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        with_values(home.content, values)


STILL = {f"train__augment__{name}": 0.0 for name in overrides.MOVED}
UNREAD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "momentum with adam": ({"train__optimizer": "adam"}, {"train__momentum": 0.5}),
    "decay with sgd": ({"train__optimizer": "sgd"}, {"train__weight_decay": 0.5}),
    "focal without it": ({}, {"train__focal__gamma": 1.0}),
    "factor of a cosine": ({}, {"train__schedule__factor": 0.1}),
    "floor of a constant": ({"train__schedule__name": "constant"}, {"train__schedule__floor": 0.1}),
    "patience beyond the end": ({"train__patience": 10}, {"train__patience": 20}),
    "fill where nothing moves": (STILL, {"train__augment__fill": "wrap"}),
    "dropout where there is none": ({"model__name": "malaria_cnn"}, {"model__dropout": 0.1}),
    "stride of a backbone": ({"model__name": "keras_application"}, {"model__stride": 1}),
    "backbone of another model": ({}, {"model__keras_application__backbone": "DenseNet121"}),
    "how many may be rejected": ({}, {"preprocess__max_rejected": 0.5}),
    "pictures of the report": ({}, {"evaluate__mistakes": 1}),
    "the search itself": ({}, {"tune__sampler__name": "random"}),
}


@pytest.mark.parametrize(("base", "more"), UNREAD.values(), ids=UNREAD)
def test_what_training_does_not_read_makes_no_other_key(home: Home, base: dict[str, Any], more: dict[str, Any]) -> None:
    assert key(changed(home, **base), 1) == key(changed(home, **{**base, **more}), 1)


READ: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "momentum of sgd": ({"train__optimizer": "sgd"}, {"train__momentum": 0.5}),
    "decay of adamw": ({}, {"train__weight_decay": 0.5}),
    "focal": ({"train__balance": "focal"}, {"train__focal__gamma": 1.0}),
    "factor of steps": ({"train__schedule__name": "step"}, {"train__schedule__factor": 0.1}),
    "floor of a cosine": ({}, {"train__schedule__floor": 0.1}),
    "patience": ({}, {"train__patience": 2}),
    "fill": ({}, {"train__augment__fill": "wrap"}),
    "dropout": ({}, {"model__dropout": 0.1}),
    "backbone": ({"model__name": "keras_application"}, {"model__keras_application__backbone": "DenseNet121"}),
    "clahe": ({}, {"preprocess__clahe__clip_limit": 9.0}),
    "size": ({}, {"preprocess__image_size": 32}),
    "what only a step of a person's own may read": ({}, {"preprocess__crop__threshold": 9}),
    "threads": ({}, {"train__threads": 2}),
    "split": ({}, {"split__by": "image"}),
    "threshold": ({}, {"evaluate__threshold": "f1"}),
    "source": ({}, {"dataset__source": "other"}),
}


@pytest.mark.parametrize(("base", "more"), READ.values(), ids=READ)
def test_what_training_reads_makes_another_key(home: Home, base: dict[str, Any], more: dict[str, Any]) -> None:
    assert key(changed(home, **base), 1) != key(changed(home, **{**base, **more}), 1)


def test_another_seed_is_another_training(home: Home) -> None:
    assert key(home.content, 1) != key(home.content, 2)
    assert key(home.content, 1) == key(with_values(home.content, {}), 1)


@pytest.mark.parametrize("model", plugins.names("models"))
def test_a_model_takes_the_shared_options_that_it_says_it_reads_and_no_other(model: str) -> None:
    found = inspect.signature(plugins.load("models", model).features).parameters
    assert set(plugins.options("models", model)) == set(found) & set(plugins.SHARED)


@pytest.mark.parametrize("registry", [
    "train.optimizers:OPTIMIZERS", "train.optimizers:SCHEDULES", "tune.pruner:PRUNERS", "tune.sampler:SAMPLERS",
])  # fmt: skip
def test_names_and_options_read_from_the_source_are_those_of_the_table(registry: str) -> None:
    module, _, name = registry.partition(":")
    table = getattr(importlib.import_module(f"src.{module}"), name)
    assert plugins.names(registry) == tuple(table)
    for choice, entry in table.items():
        assert plugins.options(registry, choice) == getattr(entry, "options", ())
