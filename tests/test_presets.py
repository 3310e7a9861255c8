"""Each preset is a whole experiment of its own, as it was published."""

import re
from itertools import pairwise
from typing import Any

import pytest

from src import models, presets
from src.config import Params, source_name
from src.core.yaml_file import parsed
from src.presets import FIELDS
from tests.conftest import ROOT

NAMES = presets.names(ROOT)
PUBLISHED = {
    "blood_cnn", "blood_cnn_two", "blood_fire", "covid_dropout", "covid_tiny", "covid_inception", "malaria_cnn",
    "pneumonia_separable",
}  # fmt: skip
# Weights of the published networks, counted by hand from their layers.
WEIGHTS = {
    "blood_cnn": 896 + 18496 + (28 * 38 * 64 + 1) * 128 + 129 * 4,
    "malaria_cnn": 640 + 2 * 36928 + (7 * 7 * 64 + 1) * 64 + 65 * 64 + 65,
    "covid_dropout": 320 + 18496 + (36 * 36 * 64 + 1) * 64 + 65,
    "covid_tiny": 60 + (74 * 74 * 6 + 1) * 2 + 3,
}


def keys(content: Any, prefix: str = "") -> set[str]:
    """Name every key of a nested mapping, the ones that a person chooses left out."""
    if not isinstance(content, dict) or prefix in {"dataset.merge.", "tune.space."}:
        return {prefix.removesuffix(".")}
    return {key for name, value in content.items() for key in keys(value, f"{prefix}{name}.")}


def content(name: str) -> Any:
    return parsed(presets.read(name, ROOT).text, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_can_propose_the_optimizer_of_its_preset(name: str) -> None:
    params = presets.read(name, ROOT).params
    assert params.train.optimizer in (params.tune.space["train.optimizer"].choices or ())


def test_every_known_experiment_has_a_preset() -> None:
    assert set(NAMES) >= PUBLISHED


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_runs_on_samples_and_files_its_runs_under_its_name(name: str) -> None:
    params = presets.read(name, ROOT).params
    assert params.track.experiment == name
    assert params.dataset.source == f"data/{params.dataset.layout.removesuffix('_three')}"
    assert (ROOT / "samples" / source_name(params.dataset.source)).is_dir()


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_every_field(name: str) -> None:
    whole = keys(Params.model_validate(content(name)).model_dump())
    assert keys(content(name)) == whole


@pytest.mark.parametrize("name", NAMES)
def test_its_comment_says_where_it_is_from_and_what_it_reached(name: str) -> None:
    preset = presets.read(name, ROOT)
    assert [field for field in FIELDS if not preset.header.get(field)] == []
    assert tuple(preset.header) == FIELDS
    assert max(len(line) for line in preset.text.partition("\nseed")[0].splitlines()) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_nothing_stops_it_before_its_last_epoch(name: str) -> None:
    train = presets.read(name, ROOT).params.train
    assert train.patience >= train.epochs


def test_all_presets_have_the_fields_in_the_same_order() -> None:
    lines = [re.findall(r"^ *(\w+):", presets.read(name, ROOT).text, re.MULTILINE) for name in NAMES]
    assert all(a == b for a, b in pairwise(lines))


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_the_network_has_as_many_weights_as_the_published_one(name: str) -> None:
    params = presets.read(name, ROOT).params
    classes = 4 if name == "blood_cnn" else 2
    shape = params.preprocess.shape
    model = params.model
    built = models.build(
        model.name, shape, classes, dropout=model.dropout, stride=model.stride, pooling=model.pooling, **model.own()
    )
    assert built.count_params() == WEIGHTS[name]


def test_the_default_can_be_had_back() -> None:
    """Params.yaml as committed is the preset covid_compact, letter by letter: change both or neither."""
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    if parsed(params, "params.yaml")["track"]["experiment"] != "covid_compact":
        pytest.skip("params.yaml is another experiment at the moment")
    assert params == presets.read("covid_compact", ROOT).text
