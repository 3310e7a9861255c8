"""The frozen phase of transfer learning, against Keras' own `model.fit` of the same network on the same batches.

python -m benchmarks.frozen [--images N] [--side N] [--epochs N] [--rounds N]: CPU time of all threads, models built and
compiled included on both sides.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks._report import note, report
from src import models
from src.config import Augment, Train, load
from src.train import fine_tuning, fit
from src.train.data import Batch, Batches, Data, Part

import keras

RATIO, SEED = 3.0, 0
MODEL = load().model.model_copy(update={"name": "efficientnet_lite0", "pooling": "average", "dropout": 0.3})
AUGMENT = Augment(
    rotation=10, shift=0.1, shear=5, zoom=0.15, brightness=0, contrast=0, flip="horizontal", fill="nearest"
)


def main() -> None:
    """Train with both in turn, and compare the medians of their CPU time."""
    arguments = _arguments()
    section = _section(arguments.epochs)
    data = _data(arguments.images, arguments.side)
    pairs = []
    for _ in range(arguments.rounds):
        ours = _cpu(lambda: fit(data, MODEL, section, SEED))
        pairs.append((ours, _cpu(lambda: _plain(data, section))))
        note("CPU seconds: {:.1f}, of model.fit {:.1f}".format(*pairs[-1]))
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    claim = f"{arguments.epochs} frozen epochs of efficientnet_lite0, times as fast as model.fit"
    report(claim, theirs / ours, at_least=RATIO)


class Epochs(keras.utils.PyDataset):  # type: ignore[misc]
    """Augmented batches as Keras asks for them."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches, self.epoch = batches, 0
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Batch:
        return self.now[number]

    def on_epoch_end(self) -> None:
        """Augment anew."""
        self.epoch += 1
        self.now = list(self.batches.augmented(AUGMENT, SEED, self.epoch))


def _plain(data: Data, section: Train) -> None:
    """Freeze and fit as the guides of Keras do."""
    assert data.val is not None
    models.start(SEED, section.threads)
    network = models.build(
        MODEL.name, data.images.shape[1:], 2, dropout=MODEL.dropout, pooling=MODEL.pooling, **MODEL.own()
    )
    fine_tuning.enter(fine_tuning.plan(section)[0], network)
    network.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    train, val = (Batches(data.images, part, section.batch_size, section.threads) for part in (data.train, data.val))
    network.fit(
        Epochs(train),
        epochs=section.epochs,
        validation_data=next(Batches(data.images, data.val, len(val.part.rows)).plain()),
        validation_batch_size=section.batch_size,
        verbose=0,
    )


def _section(epochs: int) -> Train:
    known = load().train
    frozen = known.fine_tune.model_copy(update={"frozen_epochs": epochs, "from_layer": None})
    values = {"epochs": epochs, "patience": epochs, "optimizer": "adam", "learning_rate": 1e-3, "batch_size": 30}
    return known.model_copy(update={**values, "fine_tune": frozen, "augment": AUGMENT})


def _data(images: int, side: int) -> Data:
    pixels = np.random.default_rng(0).integers(0, 256, (images * 6 // 5, side, side, 1), dtype=np.uint8)
    rows = np.arange(len(pixels))
    train, val = (Part(each, each % 2) for each in (rows[:images], rows[images:]))
    return Data(pixels, ("well", "ill"), train, val)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=300, help="to train on; a fifth as many more are val")
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many turns counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
