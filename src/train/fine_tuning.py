"""Which layers are trained in which epochs: all, or first the output layer and then the upper part of the model.

While only the output layer is trained, the frozen part below depends only on the augmented image. Its features are
computed once, for the augmentations of the first `SETS` epochs, and cached. Later epochs reuse them, shuffled as they
would have been anyway. With up to `SETS` frozen epochs, or any number without augmentation, training is the same as
with the whole network: same order, same dropout, same losses.
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
    """Epochs `first` to `last`, counted from 1, in which `from_layer` and all later layers are trained; None: all."""

    first: int
    last: int
    rate: float
    from_layer: str | None = None
    tuning: bool = False

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return self.last - self.first + 1


def plan(section: Train) -> list[Phase]:
    """Return the phases of a training in order: one, or two if the model is frozen at first."""
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
    """Raise AssayError if the model does not have the layer `from_layer`."""
    name, known = section.fine_tune.from_layer, [layer.name for layer in model.layers]
    if name is not None and name not in known:
        hint = suggestion(name, known) or f"; the last ones are {', '.join(known[-8:])}"
        raise AssayError(f"train.fine_tune.from_layer: expected a layer of {model.name}, found {name!r}{hint}")


def enter(phase: Phase, model: keras.Model) -> None:
    """Make only the layers of a phase trainable.

    During fine-tuning, all batch normalization stays frozen: it would replace the statistics of many images by those
    of few (https://keras.io/guides/transfer_learning/).
    """
    names = [layer.name for layer in model.layers]
    start = names.index(phase.from_layer) if phase.from_layer else 0
    for number, layer in enumerate(model.layers):
        kept = phase.tuning and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = number >= start and not kept


def leave(model: keras.Model) -> None:
    """Make all layers trainable again, so that the saved model does not depend on the phase."""
    for layer in model.layers:
        layer.trainable = True


def divide(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Split a model before its output layer and the dropout in front of it; both parts share its weights.

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
    """Batches like those of `Batches`, but with the features (B, ...) of the frozen part `body` instead of pixels."""

    pixels: Batches
    body: keras.Model
    kept: dict[int, Features] = field(default_factory=dict)  # by the epoch of their augmentation; 0: not augmented

    def plain(self) -> Iterator[Batch]:
        """Return the batches of the part in its own order, without augmentation."""
        places = np.arange(len(self.pixels.part.rows))
        return self._batches(0, self.pixels.plain, places, places)

    def augmented(self, section: Augment, seed: int, epoch: int, balanced: str = "none") -> Iterator[Batch]:
        """Return shuffled and augmented batches, which depend only on seed and epoch, not on what is cached."""
        changes = augment.changes(section) or class_balance.BALANCES[balanced].images
        number = (epoch - 1) % SETS + 1 if changes else 1
        places = self.pixels.order(seed, number, balanced)
        shuffled = random_streams.stream(seed, "shuffle", epoch).permutation(len(places))
        order = np.argsort(places, kind="stable")[shuffled]
        return self._batches(number, lambda: self.pixels.augmented(section, seed, number, balanced), places, order)

    def _batches(
        self, number: int, pixels: Callable[[], Iterator[Batch]], places: Numbers, order: Numbers
    ) -> Iterator[Batch]:
        """Return the features of the images at `places` in the part, in `order`; `pixels` returns their batches."""
        if number not in self.kept:
            with TemporaryFile() as file:  # mapped only once complete: on a full disk, writing raises an error
                for images, _ in track(pixels(), -(-len(places) // self.pixels.size), "frozen part", "batch"):
                    signals.check()
                    file.write(self.body.predict_on_batch(images).astype(np.float32).tobytes())
                file.flush()
                self.kept[number] = np.memmap(file, np.float32, "r", shape=(len(places), *self.body.output_shape[1:]))
        targets = self.pixels.part.targets[places]
        return Batches(self.kept[number], Part(order, targets[order]), self.pixels.size).plain()
