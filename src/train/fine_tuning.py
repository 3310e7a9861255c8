"""Which layers learn in which epochs: all of them, or first the output layer and then the upper part of the model.

While the output layer learns alone, the part below is a function of the augmented image alone: its features are
computed once, for the augmentations of the first `SETS` epochs. Later epochs show these again, shuffled as they would
have been anyway. Up to `SETS` epochs, and without augmentation for any number, a training is the same as with the whole
network: same order, same dropout, same losses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from src import models
from src.config import Augment, Train
from src.core import random_streams, signals
from src.core.errors import AssayError, suggestion
from src.core.progress import track
from src.train import augment, class_balance, optimizers
from src.train.data import Batch, Batches, Numbers, Part

import keras

TENTH = 0.1
SETS = 3
Features = NDArray[np.float32]


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


def divide(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Divide a model before its output layer and the dropout in front of it; both parts share its weights.

    Return None if the lower part is random too, as in EfficientNetV2: its features cannot be cached.
    """
    tensor = model.get_layer(models.OUTPUT).input
    while _is_random(layer := tensor._keras_history.operation):
        tensor = layer.input
    body = keras.Model(model.input, tensor)
    return None if any(map(_is_random, body.layers)) else (body, keras.Model(tensor, model.output))


def _is_random(layer: keras.Layer) -> bool:
    return getattr(layer, "seed_generator", None) is not None


@dataclass
class FeatureBatches:
    """Batches of the features (B, ...) of a frozen part instead of pixels, as `Batches` gives those."""

    pixels: Batches
    body: keras.Model
    kept: dict[int, Features] = field(default_factory=dict)  # by the epoch whose augmentation they are of; 0: of none

    def plain(self) -> Iterator[Batch]:
        """Return the part in its own order, as it is."""
        places = np.arange(len(self.pixels.part.rows))
        return self._batches(0, self.pixels.plain, places, places)

    def augmented(self, section: Augment, seed: int, epoch: int, balanced: str = "none") -> Iterator[Batch]:
        """Return the part shuffled and augmented; seed and epoch alone decide how, whatever was computed before."""
        changes = augment.changes(section) or class_balance.BALANCES[balanced].images
        number = (epoch - 1) % SETS + 1 if changes else 1
        places = self.pixels.order(seed, number, balanced)
        shuffled = random_streams.stream(seed, "shuffle", epoch).permutation(len(places))
        order = np.argsort(places, kind="stable")[shuffled]
        return self._batches(number, lambda: self.pixels.augmented(section, seed, number, balanced), places, order)

    def _batches(
        self, number: int, pixels: Callable[[], Iterator[Batch]], places: Numbers, order: Numbers
    ) -> Iterator[Batch]:
        """Return the features of images at `places` of the part, in an order; `pixels` makes their batches."""
        if number not in self.kept:
            with TemporaryFile() as file:  # written, not mapped, until it is whole: a full disk is an error then
                for images, _ in track(pixels(), -(-len(places) // self.pixels.size), "frozen part", "batch"):
                    signals.check()
                    file.write(self.body.predict_on_batch(images).astype(np.float32).tobytes())
                file.flush()
                self.kept[number] = np.memmap(file, np.float32, "r", shape=(len(places), *self.body.output_shape[1:]))
        targets = self.pixels.part.targets[places]
        return Batches(self.kept[number], Part(order, targets[order]), self.pixels.size).plain()
