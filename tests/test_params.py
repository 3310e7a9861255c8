"""params.yaml is checked as a whole, and each mistake is told in one line with key, value and what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from src.errors import AssayError
from src.params import Params, load, parse
from tests.conftest import ROOT


@pytest.fixture
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    return loaded


def change(content: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    *sections, last = key.split(".")
    node = content
    for section in sections:
        node = node[section]
    node[last] = value
    return content


def test_the_committed_file_is_valid() -> None:
    assert isinstance(load(ROOT / "params.yaml"), Params)


def test_every_field_stands_in_the_committed_file(content: dict[str, Any]) -> None:
    """A person finds every knob in the file, and what the models would fill in is what the file says."""
    assert parse(content).model_dump(mode="json", exclude_unset=True) == parse(content).model_dump(mode="json")


MISTAKES = {
    "misspelt key": ("train.batchsize", 3, ["train.batchsize: unknown key", "did you mean 'batch_size'?"]),
    "misspelt section": ("trian", {}, ["trian: unknown key", "did you mean 'train'?"]),
    "misspelt key deep down": ("preprocess.clahe.clip_limt", 3, ["preprocess.clahe.clip_limt", "'clip_limit'"]),
    "word for a number": ("train.batch_size", "x", ["train.batch_size: expected an integer", "found 'x'"]),
    "yes for a number": ("train.batch_size", True, ["train.batch_size: expected an integer", "found True"]),
    "yes for degrees": ("train.augment.rotation", True, ["train.augment.rotation: expected a number", "found True"]),
    "word for a share": ("train.augment.shift", "0.3", ["train.augment.shift: expected a number", "found '0.3'"]),
    "fraction for a count": ("train.epochs", 2.5, ["train.epochs: expected an integer", "found 2.5"]),
    "size of three sides": (
        "preprocess.image_size",
        [60, 80, 3],
        ["preprocess.image_size: expected a side of 8 to 2048", "[60, 80, 3]"],
    ),
    "size of a side that is tiny": ("preprocess.image_size", [60, 4], ["preprocess.image_size: expected a side of 8", "[60, 4]"]),
    "yes for a size": ("preprocess.image_size", True, ["preprocess.image_size: expected a side of 8 to 2048", "found True"]),
    "zero epochs": ("train.epochs", 0, ["train.epochs: expected a number of at least 1", "found 0"]),
    "negative rate": ("train.learning_rate", -1.0, ["train.learning_rate: expected a number above 0", "found -1.0"]),
    "not a number": ("train.learning_rate", float("nan"), ["train.learning_rate: expected a finite number"]),
    "dropout of everything": ("model.dropout", 1.0, ["model.dropout: expected a number below 1", "found 1.0"]),
    "smoothing of everything": ("train.label_smoothing", 1.5, ["train.label_smoothing: expected a number below 1"]),
    "unknown balance": ("train.balance", "weight", ["train.balance: expected one of none, weights", "'weights'"]),
    "unknown schedule": ("train.schedule.name", "cosin", ["train.schedule.name: expected one of", "'cosine'"]),
    "unknown key of a schedule": ("train.schedule.evry", 3, ["train.schedule.evry: unknown key", "'every'"]),
    "unknown backbone": (
        "model.keras_application.backbone",
        "DenseNet",
        ["model.keras_application.backbone: expected one of DenseNet121", "found 'DenseNet'"],
    ),
    "negative frozen epochs": ("train.fine_tune.frozen_epochs", -1, ["frozen_epochs: expected a number of at least 0"]),
    "ratios": ("split.train", 0.7, ["split: expected train + val + test to be 1", "found 1.2"]),
    "unknown model": ("model.name", "tinny_cnn", ["model.name: expected one of", "tiny_cnn", "found 'tinny_cnn'"]),
    "unknown step": ("preprocess.steps", ["gry"], ["preprocess.steps.0: expected one of", "'gray'", "found 'gry'"]),
    "no steps": ("preprocess.steps", [], ["preprocess.steps: expected at least 1 entry", "found []"]),
    "unknown layout": ("dataset.layout", "covid", ["dataset.layout: expected one of", "covid_ct", "found 'covid'"]),
    "pattern without the named group": (
        "dataset.group_pattern",
        "(person[0-9]+)",
        ["dataset.group_pattern: expected a regular expression with a named group, (?P<group>...)", "(person[0-9]+)"],
    ),
    "pattern that is none": (
        "dataset.group_pattern",
        "(?P<group>x",
        ["dataset.group_pattern: expected a regular expression (missing )", "found '(?P<group>x'"],
    ),
    "list for a merge": ("dataset.merge", ["a"], ["dataset.merge: expected a mapping, or {} for none; found ['a']"]),
    "number for a merged label": ("dataset.merge", {"a": 1}, ["dataset.merge.a: expected a text; found 1"]),
    "merged label without a name": ("dataset.merge", {"a": ""}, ["dataset.merge.a: expected a text that is not empty"]),
    "unknown optimizer": ("train.optimizer", "adma", ["train.optimizer: expected one of", "'adam'", "found 'adma'"]),
    "unknown threshold": ("evaluate.threshold", "yuden", ["evaluate.threshold: expected", "youden", "found 'yuden'"]),
    "threshold above 1": ("evaluate.threshold", 2.0, ["evaluate.threshold: expected", "found 2.0"]),
    "no hash": ("dataset.sha256", "x", ["dataset.sha256: expected 64 hexadecimal digits", "found 'x'"]),
    "nothing for a section": ("train", None, ["train: expected a section with the keys epochs,", "found None"]),
    "a word for a section": ("train", "fast", ["train: expected a section with the keys epochs,", "found 'fast'"]),
    "even blur": ("preprocess.crop.blur", 4, ["preprocess.crop.blur: expected an odd number", "found 4"]),
}


@pytest.mark.parametrize(("key", "value", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(
    content: dict[str, Any], key: str, value: object, words: list[str]
) -> None:
    with pytest.raises(AssayError) as caught:
        parse(change(content, key, value), "params.yaml")
    message = str(caught.value)
    assert message.startswith("params.yaml: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_several_mistakes_are_told_at_once(content: dict[str, Any]) -> None:
    change(content, "train.epochs", 0)
    change(content, "model.stride", 0)
    with pytest.raises(AssayError, match=r"model\.stride(.|\n)*train\.epochs"):
        parse(content)


def test_a_missing_key_is_named(content: dict[str, Any]) -> None:
    del content["train"]["epochs"]
    with pytest.raises(AssayError, match=r"train\.epochs: missing"):
        parse(content)


def test_an_exponent_without_a_dot_is_a_number(content: dict[str, Any]) -> None:
    assert YAML(typ="safe", pure=True).load("rate: 1e-4") == {"rate": 1e-4}


def test_a_section_named_like_the_model_holds_what_that_model_alone_reads(content: dict[str, Any]) -> None:
    assert parse(content).model.own() == {}
    change(content, "model.keras_application.backbone", "DenseNet121")
    own = parse(change(content, "model.name", "keras_application")).model.own()
    assert own == {"backbone": "DenseNet121", "weights": "none", "sha256": None}


def test_the_learning_rate_may_be_left_to_the_optimizer(content: dict[str, Any]) -> None:
    assert parse(change(content, "train.learning_rate", None)).train.learning_rate is None


def test_values_cannot_be_changed(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse(content).train.epochs = 3  # type: ignore[misc]


def missing(path: Path) -> None:
    pass


def broken(path: Path) -> None:
    path.write_text("train: [1, 2\n")


def binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


def empty(path: Path) -> None:
    path.write_text("")


@pytest.mark.parametrize("write", [missing, broken, binary, empty])
def test_a_file_that_is_no_params_file_is_an_error_that_names_it(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "params.yaml"
    write(path)
    with pytest.raises(AssayError, match=r"params\.yaml: (not found|not readable|expected)"):
        load(path)


def test_what_a_report_shows_names_no_folder_of_the_machine(content: dict[str, Any]) -> None:
    change(content, "dataset.source", "/home/me/scans.zip")
    shown = parse(content).shown()
    assert shown["dataset"]["source"] == "scans.zip"
    assert "track" not in shown
