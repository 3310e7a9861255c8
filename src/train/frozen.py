"""The features that the frozen part of a model makes of the images, computed once and kept.

The frozen part is a function of the augmented image alone. Its features are kept for the augmentations of the first
`SETS` epochs; later epochs show these again, shuffled as they would have been anyway. Up to `SETS` epochs, and without
augmentation for any number, a training is the same as with the whole network: same order, same dropout, same losses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile

import keras
import numpy as np
from numpy.typing import NDArray

from src import models
from src.config import Augment
from src.core import random_streams, signals
from src.core.progress import track
from src.train import augment, class_balance
from src.train.batches import Batch, Batches, Numbers
from src.train.data import Part

SETS = 3
Features = NDArray[np.float32]


def divide(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Divide a model before its output layer and the dropout in front of it; both parts share its weights.

    None where the part below is random too, as that of EfficientNetV2 is: its features cannot be kept.
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
