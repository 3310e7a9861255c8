"""Which layers learn in which epochs: all of them, or first the output layer and then the upper part of the model."""

from dataclasses import dataclass

import keras

from src import models
from src.config import Train
from src.core.errors import AssayError, suggestion
from src.train import optimizers

TENTH = 0.1


@dataclass(frozen=True)
class Phase:
    """Epochs `first` to `last`, counted from 1, in which the layers from one on learn; None: from the first one on."""

    first: int
    last: int
    rate: float
    from_layer: str | None = None
    tuning: bool = False

    @property
    def epochs(self) -> int:
        """Count the epochs."""
        return self.last - self.first + 1


def plan(section: Train) -> list[Phase]:
    """Return the phases of a training in order: one, or two where the model is frozen at first."""
    rate, tune = optimizers.rate(section), section.fine_tune
    frozen = min(tune.frozen_epochs, section.epochs)
    if not frozen:
        return [Phase(1, section.epochs, tune.learning_rate or rate, tune.from_layer, tune.from_layer is not None)]
    later = tune.learning_rate or rate * TENTH
    phases = [
        Phase(1, frozen, rate, models.OUTPUT, tuning=True),
        Phase(frozen + 1, section.epochs, later, tune.from_layer, tuning=True),
    ]
    return [phase for phase in phases if phase.epochs]


def check(section: Train, model: keras.Model) -> None:
    """Refuse the name of a layer that the model does not have."""
    name, known = section.fine_tune.from_layer, [layer.name for layer in model.layers]
    if name is not None and name not in known:
        hint = suggestion(name, known) or f"; the last ones are {', '.join(known[-8:])}"
        raise AssayError(f"train.fine_tune.from_layer: expected a layer of {model.name}, found {name!r}{hint}")


def enter(phase: Phase, model: keras.Model) -> None:
    """Make the layers of a phase trainable, and only these.

    While tuning, batch normalization is kept everywhere: it would replace what it learned from many images by the
    statistics of few (https://keras.io/guides/transfer_learning/).
    """
    names = [layer.name for layer in model.layers]
    start = names.index(phase.from_layer) if phase.from_layer else 0
    for number, layer in enumerate(model.layers):
        kept = phase.tuning and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = number >= start and not kept


def leave(model: keras.Model) -> None:
    """Make all layers trainable again: which ones were is no part of the model that is saved."""
    for layer in model.layers:
        layer.trainable = True
