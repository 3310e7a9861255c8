"""Save the state of a training after an epoch in one file, which is replaced atomically."""

import json
import logging
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.config import Model, Train
from src.core import files
from src.metrics.objectives import Row
from src.train.data import Data

import keras
import tensorflow as tf

log = logging.getLogger(__name__)
Values = list[NDArray[np.generic]]
LONG = 2.0  # seconds; a state that is written faster is written after every epoch
SHARE = 0.1  # of the time that writing may take


@dataclass
class State:
    """Everything that the next epoch depends on; the model variables include the random state of dropout."""

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    rows: list[Row] = field(default_factory=list)
    best: Values = field(default_factory=list)

    def keep_best(self) -> None:
        """Store the current variables of the model as the best."""
        self.best = _values(self.model.variables)

    def restore_best(self) -> None:
        """Set the variables of the model back to the stored ones."""
        _assign(self.model.variables, self.best)


@dataclass
class Checkpoint:
    """A file that holds a State; `inputs` is a hash of all inputs, so that no other training resumes from it."""

    folder: Path
    inputs: str
    due: float = 0.0  # time.monotonic() before which no state is written

    @property
    def path(self) -> Path:
        return self.folder / "state.npz"

    def save(self, state: State) -> None:
        """Write the state after an epoch; if writing is slow, skip epochs so that it takes a tenth of the time."""
        started = time.monotonic()
        if started < self.due:
            return
        values = [*_values(state.model.variables), *_values(state.optimizer.variables), *state.best]
        with files.replacing(self.path) as temporary:
            np.savez(temporary, *values, inputs=np.array(self.inputs), rows=np.array(json.dumps(state.rows)))
        took = time.monotonic() - started
        if took > LONG:
            self.due = started + took / SHARE

    def load(self, state: State) -> None:
        """Restore the saved state, if there is one with the same inputs."""
        if not self.path.exists():
            return
        try:
            with np.load(self.path) as arrays:
                inputs, rows = str(arrays["inputs"]), json.loads(str(arrays["rows"]))
                values = [arrays[f"arr_{number}"] for number in range(len(arrays.files) - 2)]
        except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
            log.warning("%s: not readable (%s); training starts at the first epoch", self.path, error)
            return
        if inputs != self.inputs:
            log.warning("%s: belongs to other inputs; training starts at the first epoch", self.path)
            return
        model, variables = state.model.variables, [*state.model.variables, *state.optimizer.variables]
        if [tuple(variable.shape) for variable in (*variables, *model)] != [value.shape for value in values]:
            log.warning("%s: holds another model or optimizer; training starts at the first epoch", self.path)
            return
        _assign(variables, values[: len(variables)])
        state.best, state.rows = values[len(variables) :], rows


def _values(variables: list[keras.Variable]) -> Values:
    return [variable.numpy().copy() for variable in variables]


def _assign(variables: list[keras.Variable], values: Values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def digest(data: Data, model: Model, section: Train, seed: int) -> str:
    """Hash parameters, seed, library versions, class names, and the images and targets of both parts."""
    words = [model.model_dump_json(), section.model_dump_json(), str(seed), tf.__version__, keras.__version__]
    for part in filter(None, (data.train, data.val)):
        arrays = part.rows, part.targets, *(data.images[row] for row in part.rows)
        words += [files.digest_of(array.tobytes()) for array in arrays]
    return files.digest_of(json.dumps([*words, *data.classes]))
