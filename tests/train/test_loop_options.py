"""Every option of a training works with every model, in both colours, on square and oblong images, for 2 and 4 classes.

All combinations would take years. Here each model meets each value of each option, and any two values of different
options meet in some training: `table` finds such a selection, and a test holds it to that.
"""

from collections.abc import Sequence
from functools import cache
from itertools import combinations
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest

from src import config
from src.config.field_types import Section
from src.config.overrides import with_values
from src.config.sections import Augment, FineTune, Train
from src.core import registry
from src.models import OUTPUT
from src.train import fit, steps
from src.train.data import Data, Part
from tests.conftest import ROOT
from tests.train.conftest import at_once

import tensorflow as tf

NOT_INSTALLED = ("efficientnet_lite1", "efficientnet_lite2")  # their weights are not in the lock
MODELS = tuple(name for name in registry.names("models") if name not in NOT_INSTALLED)
FINE_TUNE: dict[str, Any] = {"frozen_epochs": 0, "from_layer": None, "learning_rate": None}
IMAGES = 6  # in train, and as many in val


def choices(section: type[Section], field: str) -> tuple[Any, ...]:
    return get_args(section.model_fields[field].annotation)


OPTIONS: dict[str, tuple[Any, ...]] = {
    "train.optimizer": registry.names("train.optimizers:OPTIMIZERS"),
    "train.learning_rate": (None, 1e-3),
    "train.momentum": (0.0, 0.9),
    "train.clip_norm": (None, 1.0),
    "train.balance": registry.names("train.class_balance:BALANCES"),
    "train.label_smoothing": (0.0, 0.1),
    "train.schedule.name": registry.names("train.optimizers:SCHEDULES"),
    "train.schedule.warmup": (0, 1),
    "train.fine_tune": (FINE_TUNE, FINE_TUNE | {"frozen_epochs": 1}, FINE_TUNE | {"from_layer": OUTPUT}),
    "train.mixed_precision": (False, True),
    "train.augment.rotation": (0.0, 20.0),
    "train.augment.shift": (0.0, 0.1),
    "train.augment.shear": (0.0, 5.0),
    "train.augment.zoom": (0.0, 0.2),
    "train.augment.brightness": (0.0, 0.2),
    "train.augment.contrast": (0.0, 0.2),
    "train.augment.flip": choices(Augment, "flip"),
    "train.augment.fill": choices(Augment, "fill"),
    "model.pooling": choices(config.Model, "pooling"),
    "model.dropout": (0.0, 0.5),
    "preprocess.color": ("gray", "rgb"),
    "preprocess.image_size": (32, [32, 40]),
    "classes": (2, 4),
}
ROWS = max(map(len, OPTIONS.values()))
FEW = {"blood_fire": 2, "efficientnet_lite0": 2, "keras_application": 2}  # rows of what takes seconds to build


@cache
def table() -> dict[str, list[tuple[int, ...]]]:
    """Give each model rows of numbers of values: each value in some row, in pairs that no model before has met."""
    random, met, found = np.random.default_rng(1), set(), {}
    for name in MODELS:
        columns: list[list[int]] = []
        for values in OPTIONS.values():
            numbers = [np.resize(random.permutation(len(values)), FEW.get(name, ROWS)) for _ in range(100)]
            tries = [random.permutation(some).tolist() for some in numbers]
            columns.append(max(tries, key=lambda column: len(pairs(columns, column) - met)))
            met |= pairs(columns[:-1], columns[-1])
        found[name] = list(zip(*columns, strict=True))
    return found


def pairs(columns: Sequence[Sequence[int]], last: Sequence[int]) -> set[tuple[int, int, int, int]]:
    """Give option and number of a value of each column, with the option and number of the value in the last one."""
    lines = [(option, zip(column, last, strict=True)) for option, column in enumerate(columns)]
    return {(option, number, len(columns), own) for option, line in lines for number, own in line}


def data(height: int, width: int, channels: int, classes: int) -> Data:
    """Give noise of which the first class is the most common one."""
    random = np.random.default_rng(3)
    targets = np.maximum(np.arange(IMAGES) - (IMAGES - classes), 0)
    images = random.integers(256, size=(2 * IMAGES, height, width, channels)).astype(np.uint8)
    rows = np.arange(IMAGES)
    return Data(images, tuple("abcd"[:classes]), Part(rows, targets), Part(rows + IMAGES, targets))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run steps line by line, since to compile one takes many times as long as it runs here."""
    monkeypatch.setattr(steps, "_compiled", at_once)


def test_every_value_meets_every_model_and_any_two_values_meet() -> None:
    numbers = [range(len(values)) for values in OPTIONS.values()]
    met = set()
    for rows in table().values():
        columns = list(zip(*rows, strict=True))
        assert [len(set(column)) for column in columns] == [min(len(known), len(rows)) for known in numbers]
        met |= {pair for option, column in enumerate(columns) for pair in pairs(columns[:option], column)}
    options = combinations(range(len(numbers)), 2)
    assert met == {(one, a, two, b) for one, two in options for a in numbers[one] for b in numbers[two]}


def test_every_option_of_the_section_is_here() -> None:
    """Those left out are numbers that others read, or are about the machine or how long it trains."""
    elsewhere = {"epochs", "batch_size", "patience", "threads", "gpus", "weight_decay", "focal"}
    assert {name.split(".")[1] for name in OPTIONS if name.startswith("train.")} == set(Train.model_fields) - elsewhere
    assert {name.split(".")[2] for name in OPTIONS if ".augment." in name} == set(Augment.model_fields)


@pytest.mark.parametrize(("name", "row"), [(name, row) for name in MODELS for row in range(FEW.get(name, ROWS))])
def test_an_epoch_gives_finite_scores(name: str, row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = zip(OPTIONS, table()[name][row], strict=True)
    values = {option: OPTIONS[option][number] for option, number in numbers}
    classes, tune = values.pop("classes"), FineTune(**values.pop("train.fine_tune"))
    values |= {"model.name": name, "model.stride": 1, "train.epochs": 1, "train.batch_size": 4 * IMAGES}
    read = config.parse(with_values(config.load(ROOT / "params.yaml").model_dump(mode="json"), values))
    if read.train.mixed_precision:  # float16 is for cards: let the CPU stand for one
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda _: [SimpleNamespace(name="CPU:0")])
    shape = read.preprocess.shape
    section = read.train.model_copy(update={"fine_tune": tune})  # params.yaml refuses to freeze random weights
    fitted = fit(data(*shape, classes), read.model, section, 1)
    assert all(np.isfinite(value) for value in fitted.rows[0].values())
    assert fitted.model.input_shape[1:] == shape
    assert fitted.model.output_shape[1] == (1 if classes == 2 else classes)
    dtypes = {layer.compute_dtype for layer in fitted.model.layers[:-1]}
    assert dtypes == {"float16" if read.train.mixed_precision else "float32"}
