"""params.yaml is checked as a whole, and each mistake is told in one line with key, value and what is allowed."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from src.config import Params, SpaceEntry, load, parse
from src.core.errors import AssayError
from src.core.nested import get as value
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


def sections(model: type[BaseModel] = Params, prefix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Walk the models of params.yaml with the dotted name of each."""
    yield prefix, model
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from sections(field.annotation, f"{prefix}{name}.")


def leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, part in content.items():
        if isinstance(part, Mapping) and part and f"{prefix}{name}" != "tune.space":
            yield from leaves(part, f"{prefix}{name}.")
        else:
            yield prefix + name


CONTENT: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")


def test_no_key_has_a_default_in_the_code() -> None:
    """A line that is deleted by mistake must not make another experiment."""
    defaults = [prefix + name for prefix, model in sections() for name, field in model.model_fields.items()
                if not field.is_required()]  # fmt: skip
    assert defaults == []


def test_no_key_has_a_name_that_dvc_leaves_out_of_its_hash() -> None:
    files = [ROOT / "params.yaml", *sorted((ROOT / "presets").glob("*.yaml"))]
    keys = {key for file in files for key in leaves(YAML(typ="safe", pure=True).load(file))}
    fields = {prefix + name for prefix, model in [*sections(), ("", SpaceEntry)] for name in model.model_fields}
    assert [key for key in keys | fields if set(key.split(".")) & {"size", "nfiles"}] == []


@pytest.mark.parametrize("key", leaves(CONTENT))
def test_a_missing_key_is_named(content: dict[str, Any], key: str) -> None:
    *above, last = key.split(".")
    node = content
    for section in above:
        node = node[section]
    del node[last]
    with pytest.raises(AssayError, match=rf"^params\.yaml: {re.escape(key)}: missing; every key is required") as caught:
        parse(content)
    assert "\n" not in str(caught.value)


NUMBERS = [key for key in leaves(CONTENT) if isinstance(value(CONTENT, key), int | float)]
UNSET = ["train.learning_rate", "train.clip_norm", "train.fine_tune.learning_rate"]


@pytest.mark.parametrize("key", sorted({*NUMBERS, *UNSET} - {"track.model", "train.mixed_precision"}))
@pytest.mark.parametrize("huge", [10**399, 1e308], ids=["400 digits", "1e308"])
def test_every_number_has_an_upper_bound(content: dict[str, Any], key: str, huge: float) -> None:
    with pytest.raises(AssayError, match=rf"^params\.yaml: {re.escape(key)}: expected ") as caught:
        parse(change(content, key, huge))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


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
    "size of a side that is tiny": (
        "preprocess.image_size",
        [60, 4],
        ["preprocess.image_size: expected a side of 8", "[60, 4]"],
    ),
    "yes for a size": (
        "preprocess.image_size",
        True,
        ["preprocess.image_size: expected a side of 8 to 2048", "found True"],
    ),
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
    "frozen random weights": (
        "train.fine_tune.frozen_epochs",
        1,
        ["params.yaml: train.fine_tune: expected frozen_epochs: 0 and no from_layer, since compact_cnn starts"],
    ),
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
    "number for a merged label": ("dataset.merge", {"a": 1}, ["dataset.merge.a: expected a text; did you mean '1'"]),
    "number for a merged class": ("dataset.merge", {1: "a"}, ["dataset.merge.1: expected a text; did you mean '1'"]),
    "class that DVC would not see": ("dataset.merge", {"size": "a"}, ["dataset.merge.size: expected another name"]),
    "number for a class": ("dataset.positive", 1, ["dataset.positive: expected a text; did you mean '1', in quotes?"]),
    "yes for a class": ("dataset.positive", True, ["dataset.positive: expected a text; did you mean 'true', in"]),
    "class that steers the terminal": (
        "dataset.positive",
        "ill\x1b[2J",
        ["dataset.positive: expected a text without control characters; found 'ill\\x1b[2J'"],
    ),
    "experiment of two lines": ("track.experiment", "a\nb", ["track.experiment: expected a text without control"]),
    "experiment of 300 letters": ("track.experiment", "a" * 300, ["track.experiment: expected a text of at most 100"]),
    "key that steers the terminal": ("train.\x1b[2J", 1, ["train.\\x1b[2J: unknown key"]),
    "long value": ("train.optimizer", "a" * 100_000, ["found 'aaaaa", "... (100002 characters)"]),
    "long key": ("train." + "a" * 100_000, 1, ["train.aaaaa", "... (100000 characters): unknown key"]),
    "endless pattern": (
        "dataset.group_pattern",
        "(?P<group>a{1,99999999999999999999})",
        ["dataset.group_pattern: expected a regular expression (the repetition number is too large)"],
    ),
    "steps of a range beyond counting": (
        "tune.space",
        {"model.dropout": {"low": 0.0, "high": 0.8, "step": 1e-300}},
        ["tune.space.model.dropout: expected at most 1e+09 steps"],
    ),
    "range beyond all parameters": (
        "tune.space",
        {"train.epochs": {"low": 1, "high": 10**39}},
        ["tune.space.train.epochs.high: expected a number of at most 1e+09"],
    ),
    "merged label without a name": ("dataset.merge", {"a": ""}, ["dataset.merge.a: expected a text that is not empty"]),
    "unknown optimizer": ("train.optimizer", "adma", ["train.optimizer: expected one of", "'adam'", "found 'adma'"]),
    "unknown threshold": ("evaluate.threshold", "yuden", ["evaluate.threshold: expected", "youden", "found 'yuden'"]),
    "threshold above 1": ("evaluate.threshold", 2.0, ["evaluate.threshold: expected", "found 2.0"]),
    "no hash": ("dataset.sha256", "x", ["dataset.sha256: expected a text that matches ^[0-9a-f]{64}$", "found 'x'"]),
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
    assert len(message) < 400
    for word in words:
        assert word in message


def test_several_mistakes_are_told_at_once(content: dict[str, Any]) -> None:
    change(content, "train.epochs", 0)
    change(content, "model.stride", 0)
    with pytest.raises(AssayError, match=r"model\.stride(.|\n)*train\.epochs"):
        parse(content)


def test_of_many_mistakes_the_first_ones_are_told(content: dict[str, Any]) -> None:
    content["train"] |= {f"key{number}": 1 for number in range(500)}
    with pytest.raises(AssayError) as caught:
        parse(content)
    assert str(caught.value).count("\n") == 20
    assert str(caught.value).endswith("480 more keys are wrong")


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
    shown = parse(content).for_report()
    assert shown["dataset"]["source"] == "scans.zip"
    assert "track" not in shown
