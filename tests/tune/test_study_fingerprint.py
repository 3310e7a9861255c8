"""A study of the stage is found again by what its trials depend on: no more, or it starts anew for nothing; no less."""

from typing import Any

import grimp
import pytest
from ruamel.yaml import YAML

from src.config import parse
from src.config.overrides import with_values
from src.executors import training_inputs
from src.tune import study
from tests.executors.conftest import Home
from tools.dvc_deps import ROOT

STAGES = YAML(typ="safe", pure=True).load(ROOT / "tuning" / "stages.yaml")["stages"]
NO_PARAMETERS = {"images", "split", "raw"}
ONLY_SEARCHING = {"tune.sampler", "tune.pruner"}
ENTRIES = ("executors.training", "tune.driver", "tune.sampler", "tune.pruner", "tune.space")
# Rooms and modules whose code has no part in a score: they check, name, move and keep.
APART = {
    "src.core.console", "src.core.dvc_command", "src.core.dvc_state", "src.core.errors", "src.core.files",
    "src.core.git_command", "src.core.nested", "src.core.paths", "src.core.progress", "src.core.redact",
    "src.core.registry",
    "src.core.signals", "src.core.yaml_file",
    "src.executors.protocol", "src.executors.training_inputs",
    "src.tune.storage",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _at_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.folder)


def name(home: Home, **values: Any) -> str:
    named = {key.replace("__", "."): value for key, value in values.items()}
    return training_inputs.name("tune", study.fingerprint(parse(with_values(home.content, named))))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_each_parameter_that_its_trials_depend_on(stage: str, home: Home) -> None:
    found = {key.removeprefix("tune.space.") for key in study.fingerprint(parse(home.content))} - NO_PARAMETERS
    found = {key for key in found if not key.startswith(training_inputs.CODE_OF)}
    wanted = found - (ONLY_SEARCHING if stage == "confirm" else set())
    listed = STAGES[stage]["params"]
    assert [key for key in wanted if not any(key == each or key.startswith(f"{each}.") for each in listed)] == []


def test_the_code_that_trains_is_all_that_a_trial_imports() -> None:
    graph = grimp.build_graph("src", cache_dir=None)
    found = {f"src.{entry}" for entry in ENTRIES}
    found |= {module for entry in list(found) for module in graph.find_upstream_modules(entry)}
    packages = {module for module in found if (ROOT / module.replace(".", "/")).is_dir()}
    scored = {name for name in found - packages - APART if not name.startswith(("src.config.", "src.tracking."))}
    named = [path.removesuffix(".py").replace("/", ".") for path in (*study.CODE, *training_inputs.CODE)]
    assert [
        name for name in sorted(scored) if not any(name == each or name.startswith(f"{each}.") for each in named)
    ] == []


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 7}, {"model__pooling": "max"}, {"train__epochs": 9}, {"train__threads": 2},
        {"preprocess__image_size": 30}, {"train__momentum": 0.5}, {"tune__metric": "f1"},
        {"tune__pruner__name": "none"}, {"tune__sampler__startup_trials": 3}, {"evaluate__threshold": 0.4},
        {"dataset__positive": "CT_NonCOVID"},
        {"tune__space": {"model.dropout": {"low": 0.0, "high": 0.4}}},
    ],
    ids=lambda values: next(iter(values)),
)  # fmt: skip
def test_another_question_is_another_study(home: Home, values: dict[str, Any]) -> None:
    assert name(home, **values) != name(home)


@pytest.mark.parametrize(
    "values",
    [
        {"tune__trials": 7}, {"tune__confirm__top": 1}, {"evaluate__resamples": 200}, {"track__experiment": "other"},
        {"dataset__source": "../other.zip"}, {"split__by": "image"}, {"train__batch_size": 64},
    ],
    ids=lambda values: next(iter(values)),
)  # fmt: skip
def test_what_no_trial_depends_on_leaves_the_study_as_it_is(home: Home, values: dict[str, Any]) -> None:
    assert name(home, **values) == name(home)


def test_other_images_are_another_study_and_raw_ones_only_where_trials_prepare_their_own(own_home: Home) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(own_home.folder)
        preparing = {"tune__space": {"preprocess.image_size": {"choices": [16, 24]}}}
        before = name(own_home), name(own_home, **preparing)
        own_home.raw.manifest.write_text(own_home.raw.manifest.read_text() + "more.png,x,,\n")
        after = name(own_home), name(own_home, **preparing)
        assert after[0] == before[0]
        assert after[1] != before[1]
        own_home.split.parts.write_text("row,part,group\n")
        assert name(own_home) != before[0]


def test_edited_code_is_named_and_what_may_change_within_a_study_is_not(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_home.folder)
    before = study.fingerprint(parse(own_home.content))
    now = dict(before) | {"code of src/train": "other", "tune.pruner": {"name": "none"}, "train.threads": 9}
    assert study.difference(before, now) == "other code of src/train"


def test_the_value_in_the_file_of_what_is_varied_sometimes_does_not_part_a_named_study() -> None:
    there = {"model.dropout": 0.1, "tune.space.model.dropout": {"low": 0.0, "high": 0.4, "when": {"a": 1}}}
    assert study.difference(there, there | {"model.dropout": 0.3}) == ""
