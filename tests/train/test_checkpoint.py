"""What stands where a checkpoint is looked for and is none of this training is told, and changes nothing."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.train.checkpoint import Checkpoint, State

import keras


class Holder:
    """What a model and an optimizer are to a checkpoint: their variables."""

    def __init__(self, *values: np.ndarray) -> None:
        self.variables = [keras.Variable(value) for value in values]


def state(value: float = 0.0, shape: tuple[int, ...] = (2,)) -> Any:
    made = State(Holder(np.full(shape, value)), Holder(np.full(3, value)), rows=[{"epoch": 1}])  # type: ignore
    made.keep_best()
    return made


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "inputs")
    checkpoint.save(state(7.0))
    loaded = state()
    checkpoint.load(loaded)
    assert [variable.numpy().tolist() for variable in loaded.model.variables] == [[7.0, 7.0]]
    assert loaded.best[0].tolist() == [7.0, 7.0]


def test_what_takes_long_to_write_is_not_written_after_every_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 3.0, 29.0, 31.0, 31.5, 32.0, 32.1])  # start and end of a slow save, too early, two quick ones
    monkeypatch.setattr("src.train.checkpoint.time.monotonic", lambda: next(clock))
    checkpoint, kept = Checkpoint(tmp_path, "inputs"), []
    for value in (1.0, 2.0, 3.0, 4.0):
        checkpoint.save(state(value))
        checkpoint.load(loaded := state())
        kept.append(loaded.best[0][0])
    assert kept == [1.0, 1.0, 3.0, 4.0]


def rewritten(path: Path, **changes: Any) -> None:
    """Write a checkpoint again with other arrays, those given as None left out."""
    with np.load(path) as arrays:
        kept = dict(arrays) | changes
    np.savez(path, **{name: value for name, value in kept.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"inputs": None}, "not readable ('inputs"),
        ({"rows": None}, "not readable ('rows"),
        ({"rows": np.array("{")}, "not readable (Expecting"),
        ({"arr_0": None}, "not readable ('arr_0"),
        ({"arr_1": np.zeros(5)}, "holds another model or optimizer"),
        ({"arr_3": np.zeros(2)}, "holds another model or optimizer"),
    ],
)
def test_a_checkpoint_of_another_make_is_told_and_nothing_of_it_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], told: str
) -> None:
    checkpoint = Checkpoint(tmp_path, "inputs")
    checkpoint.save(state(7.0))
    rewritten(checkpoint.path, **changes)
    fresh = state()
    with caplog.at_level(logging.WARNING):
        checkpoint.load(fresh)
    assert told in caplog.text
    assert "training starts at the first epoch" in caplog.text
    values = [variable.numpy() for holder in (fresh.model, fresh.optimizer) for variable in holder.variables]
    assert not any(value.any() for value in values)


def test_an_array_instead_of_a_checkpoint_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint = Checkpoint(tmp_path, "inputs")
    with checkpoint.path.open("wb") as file:
        np.save(file, np.zeros(3))
    with caplog.at_level(logging.WARNING):
        checkpoint.load(state())
    assert "not readable" in caplog.text
