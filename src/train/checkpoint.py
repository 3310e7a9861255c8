"""The state of a training after an epoch, in one file that is replaced whole."""

import json
import logging
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.config import Model, Train
from src.core import files
from src.train.data import Data
from src.train.history import Row

log = logging.getLogger(__name__)
Values = list[NDArray[np.generic]]


@dataclass
class State:
    """Everything that the next epoch depends on; the variables include what dropout draws from."""

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    rows: list[Row] = field(default_factory=list)
    best: Values = field(default_factory=list)

    def keep_best(self) -> None:
        """Remember the model as it is now."""
        self.best = _values(self.model.variables)

    def restore_best(self) -> None:
        """Set the model back to what was remembered."""
        _assign(self.model.variables, self.best)


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds a State; `inputs` says what the training depends on, so that no other one takes it up."""

    folder: Path
    inputs: str

    @property
    def path(self) -> Path:
        return self.folder / "state.npz"

    def save(self, state: State) -> None:
        """Write the state after an epoch."""
        arrays: dict[str, Any] = {
            "inputs": np.array(self.inputs),
            "rows": np.array(json.dumps(state.rows)),
            **_numbered("model", _values(state.model.variables)),
            **_numbered("optimizer", _values(state.optimizer.variables)),
            **_numbered("best", state.best),
        }
        with files.replacing(self.path) as temporary:
            np.savez(temporary, **arrays)

    def load(self, state: State) -> None:
        """Set the state to the one saved, if there is one of the same inputs."""
        if not self.path.exists():
            return
        try:
            with np.load(self.path) as arrays:
                saved = dict(arrays)
            inputs, rows = str(saved["inputs"]), json.loads(str(saved["rows"]))
        except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
            log.warning("%s: not readable (%s); training starts at the first epoch", self.path, error)
            return
        if inputs != self.inputs:
            log.warning("%s: belongs to other inputs; training starts at the first epoch", self.path)
            return
        model, optimizer, best = (_collected(saved, name) for name in ("model", "optimizer", "best"))
        variables = state.model.variables
        if not (_fit(variables, model) and _fit(variables, best) and _fit(state.optimizer.variables, optimizer)):
            log.warning("%s: holds another model or optimizer; training starts at the first epoch", self.path)
            return
        _assign(variables, model)
        _assign(state.optimizer.variables, optimizer)
        state.best, state.rows = best, rows


def _values(variables: list[keras.Variable]) -> Values:
    return [variable.numpy().copy() for variable in variables]


def _fit(variables: list[keras.Variable], values: Values) -> bool:
    """Return whether there is a value of the right shape for each variable."""
    return [tuple(variable.shape) for variable in variables] == [value.shape for value in values]


def _assign(variables: list[keras.Variable], values: Values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _numbered(name: str, values: Values) -> dict[str, NDArray[np.generic]]:
    return {f"{name}.{number}": value for number, value in enumerate(values)}


def _collected(arrays: dict[str, NDArray[np.generic]], name: str) -> Values:
    count = sum(key.startswith(f"{name}.") for key in arrays)
    return [arrays[key] for number in range(count) if (key := f"{name}.{number}") in arrays]


def digest(data: Data, model: Model, section: Train, seed: int) -> str:
    """Hash parameters, seed, library versions, class names, and the images and targets of both parts."""
    words = [model.model_dump_json(), section.model_dump_json(), str(seed), tf.__version__, keras.__version__]
    for part in filter(None, (data.train, data.val)):
        arrays = part.rows, part.targets, *(data.images[row] for row in part.rows)
        words += [files.digest_of(array.tobytes()) for array in arrays]
    return files.digest_of(json.dumps([*words, *data.classes]))
