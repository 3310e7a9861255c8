"""KerasTuner's Hyperband on the same space, models, images and augmentation, until a score on val is reached.

Started by benchmarks/tuning.py, which installs keras-tuner into a folder for it:
python -m benchmarks._keras_tuner TARGET MINUTES FOLDER; writes {"reached": ..., "best": ...} as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._plain_keras import compiled
from src import models
from src.config import Params, SpaceEntry, load, overrides, parse
from src.core import paths
from src.metrics.scores import epoch_scores
from src.train import data
from src.train.data import Batches
from src.tune import space
from src.tune.space import checked, decode, encode

import keras

OUTPUT, ERRORS = 1, 2


class Augmented(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of each epoch, as the training loop makes them."""

    def __init__(self, given: data.Data, params: Params) -> None:
        super().__init__()
        self._batches = Batches(given.images, given.train, params.train.batch_size, params.train.threads)
        self._params, self._epoch = params, 0
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self._now)

    def __getitem__(self, number: int) -> Any:
        return self._now[number]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._now = list(self._batches.augmented(self._params.train.augment, self._params.seed, self._epoch))


class Judge(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts val AUC into the logs, and ends the whole search once it is reached."""

    best = 0.0

    def __init__(self, given: data.Data, target: float, end: float, say: Any) -> None:
        super().__init__()
        assert given.val is not None
        self._pixels = given.images[given.val.rows].astype(np.float32)
        self._targets, self._target, self._end, self._say = given.val.targets, target, end, say

    def __deepcopy__(self, memo: object) -> "Judge":  # KerasTuner copies callbacks, the images with them
        return self

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        found = epoch_scores(self._targets, self.model.predict(self._pixels, verbose=0))["auc"]
        if logs is not None:
            logs["val_auc"] = found
        Judge.best = max(Judge.best, found)
        if found >= self._target or time.monotonic() > self._end:
            self._say(found >= self._target)


def main() -> None:
    """Search until the score is reached or the minutes are over."""
    target, minutes, folder = float(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    out = os.fdopen(os.dup(OUTPUT), "w")
    os.dup2(ERRORS, OUTPUT)

    def say(reached: bool) -> None:
        out.write(json.dumps({"reached": reached, "best": Judge.best}))
        out.flush()
        os._exit(0)

    import keras_tuner  # type: ignore[import-not-found]

    params = load()
    given = data.load(paths.PREPARED, paths.SPLIT, params.dataset.positive)
    models.start(params.seed, params.train.threads)
    judge = Judge(given, target, time.monotonic() + minutes * 60, say)

    class Hyper(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> keras.Model:
            return compiled(_params(params, hp), given)

        def fit(self, hp: Any, model: keras.Model, *arguments: Any, **options: Any) -> Any:
            options["callbacks"] = [judge, *options.get("callbacks", [])]  # first, so that others find its score
            return model.fit(Augmented(given, _params(params, hp)), **options)

    tuner = keras_tuner.Hyperband(
        Hyper(), keras_tuner.Objective("val_auc", "max"), max_epochs=params.train.epochs, factor=3, seed=params.seed,
        directory=str(folder), project_name="peer", overwrite=True, max_consecutive_failed_trials=5,
    )  # fmt: skip
    tuner.search(verbose=0)
    say(Judge.best >= target)


def _params(params: Params, hp: Any) -> Params:
    values: dict[str, Any] = {}
    for name, entry in checked(params).items():
        value = _drawn(hp, name, entry)
        if space.applies(entry, values):
            values[name] = decode(value)
    return parse(overrides.with_values(params.model_dump(mode="json"), values))


def _drawn(hp: Any, name: str, entry: SpaceEntry) -> Any:
    if entry.choices is not None:
        return hp.Choice(name, [encode(choice) for choice in entry.choices])
    kind, sampling = (hp.Int if entry.whole else hp.Float), ("log" if entry.log else "linear")
    return kind(name, entry.low, entry.high, **({"step": entry.step} if entry.step else {}), sampling=sampling)


if __name__ == "__main__":
    main()
