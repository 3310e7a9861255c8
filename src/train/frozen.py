"""The features that the frozen part of a model makes of the images, computed once and kept.

The frozen part is a function of the augmented image alone. Its features are kept for the augmentations of the first
`SETS` epochs; later epochs show these again, shuffled as they would have been anyway. Up to `SETS` epochs, and without
augmentation for any number, a training is the same as with the whole network: same order, same dropout, same losses.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from src import models
from src.config import Augment
from src.core import random_streams, signals
from src.core.progress import track
from src.train import augment, class_balance
from src.train.batches import Batch, Batches, Numbers

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
    folder: Path | None = None  # for a file of the features that goes with this object; None: the system's own
    kept: dict[int, tuple[Numbers, Features]] = field(default_factory=dict)

    def plain(self) -> Iterator[Batch]:
        """Return the part in its own order, as it is."""
        if not len(self.pixels):
            return iter(())
        if 0 not in self.kept:
            places = np.arange(len(self.pixels.part.rows))
            self.kept[0] = places, self._features(self.pixels.plain(), len(places))
        return self._batches(*self.kept[0], self.kept[0][0])

    def augmented(self, section: Augment, seed: int, epoch: int, balanced: str = "none") -> Iterator[Batch]:
        """Return the part shuffled and augmented; seed and epoch alone decide how, whatever was computed before."""
        changes = augment.changes(section) or class_balance.BALANCES[balanced].images
        number = (epoch - 1) % SETS + 1 if changes else 1
        if number not in self.kept:
            places = self.pixels.order(seed, number, balanced)
            batches = self.pixels.augmented(section, seed, number, balanced)
            self.kept[number] = places, self._features(batches, len(places))
        places, features = self.kept[number]
        shuffled = random_streams.stream(seed, "shuffle", epoch).permutation(len(places))
        return self._batches(places, features, np.argsort(places, kind="stable")[shuffled])

    def _features(self, batches: Iterator[Batch], count: int) -> Features:
        """Run the frozen part over all batches, and map the file of what it gives into memory."""
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  the array keeps it
        for pixels, _ in track(batches, -(-count // self.pixels.size), "features of the frozen part", "batch"):
            signals.check()
            file.write(np.asarray(self.body.predict_on_batch(pixels), np.float32).tobytes())
        file.flush()
        return np.memmap(file, np.float32, "r").reshape(-1, *self.body.output_shape[1:])

    def _batches(self, places: Numbers, features: Features, order: Numbers) -> Iterator[Batch]:
        for start in range(0, len(order), self.pixels.size):
            here = order[start : start + self.pixels.size]
            yield features[here], self.pixels.part.targets[places[here]]
