"""An epoch of training, augmented, against Keras' bare `model.fit` of the same network without any augmentation.

python -m benchmarks.epoch [--images N] [--rounds N] [PRESET ...]: wall time of an epoch of each preset's network, batch
size, optimizer and augmentation, on random images of its size. Val, checkpoints and compiling are left out on both
sides: only epochs after the first one count. The peer has its images as floats in memory.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks._plain_keras import compiled
from benchmarks._report import note, report
from src import models, presets
from src.config import Params
from src.core.progress import track
from src.models._load import without_chatter
from src.train import fit
from src.train.data import Data, Part

import keras

PRESETS = ("covid_compact", "covid_dropout", "malaria_cnn", "blood_cnn")
EPOCHS, SEED = 3, 0
AT_MOST = 0.95


def main() -> None:
    """Train with both in turn, and compare the medians of their epochs."""
    arguments = _arguments()
    for name in arguments.presets:
        params = presets.read(name).params
        data = _data(params, arguments.images)
        ours: list[float] = []
        peers: list[float] = []
        for _ in track(range(arguments.rounds), arguments.rounds, name, "round"):
            ours += _epochs(partial(_ours, params, data))
            peers += _epochs(partial(_plain, params, data))
        own, peer = statistics.median(ours), statistics.median(peers)
        note(f"{params.model.name}, {arguments.images} images: {own:.2f} s, bare {peer:.2f} s")
        report(f"an augmented epoch of {params.model.name} against bare model.fit", own / peer, at_most=AT_MOST)


def _epochs(train: Callable[[Callable[[], None]], None]) -> list[float]:
    """Return the seconds of each epoch after the first; `train` marks the end of each."""
    ends: list[float] = []
    train(lambda: ends.append(time.perf_counter()))
    return [after - before for before, after in pairwise(ends)]


def _ours(params: Params, data: Data, mark: Callable[[], None]) -> None:
    section = params.train.model_copy(update={"epochs": EPOCHS, "patience": EPOCHS})
    fit(data, params.model, section, SEED, on_epoch=[lambda row: mark()])


def _plain(params: Params, data: Data, mark: Callable[[], None]) -> None:
    models.start(SEED, params.train.threads)
    network = compiled(params, data)
    ends = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: mark())
    pixels, batch = data.images.astype(np.float32), params.train.batch_size
    with without_chatter():
        network.fit(pixels, data.train.targets, batch, EPOCHS, verbose=0, callbacks=[ends])


def _data(params: Params, images: int) -> Data:
    pixels = np.random.default_rng(SEED).integers(0, 256, (images, *params.preprocess.shape), dtype=np.uint8)
    classes = ("a", "b", "c", "d")[: 4 if params.model.name == "blood_cnn" else 2]
    return Data(pixels, classes, Part(np.arange(images), np.arange(images) % len(classes)), None)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("presets", nargs="*", default=PRESETS, metavar="PRESET")
    parser.add_argument("--images", type=int, default=360)
    parser.add_argument("--rounds", type=int, default=3, help="of two epochs each; the median counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
