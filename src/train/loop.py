"""The only training loop: the train stage, tuning and tests all call it."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from src import models
from src.config import Model, Train
from src.core import signals
from src.core.errors import AssayError
from src.core.progress import about
from src.metrics.objectives import Row, best_epoch
from src.metrics.scores import epoch_scores
from src.train import class_balance, fine_tuning, optimizers, steps
from src.train.checkpoint import Checkpoint, State, digest
from src.train.data import Batch, Batches, Data, Part
from src.train.fine_tuning import FeatureBatches, Phase

import keras

log = logging.getLogger(__name__)
OnEpoch = Callable[[Row], None]


@dataclass(frozen=True)
class Fitted:
    """The model with the weights of its best epoch, and its history; the last three fields vary from run to run."""

    model: keras.Model
    rows: tuple[Row, ...]
    best_epoch: int
    stopped: str
    resumed_after: int
    seconds: float
    images_per_second: float

    @property
    def measured(self) -> dict[str, float]:
        """Values for tracking, which vary from run to run."""
        return {
            "train_seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "best_epoch": self.best_epoch,
            "resumed_after": self.resumed_after,
        }


def fit(
    data: Data,
    model: Model,
    section: Train,
    seed: int,
    *,
    checkpoints: Path | None = None,
    on_epoch: Sequence[OnEpoch] = (),
) -> Fitted:
    """Train a model until its epochs or its patience are used up; continue from a checkpoint if there is one.

    Each function of `on_epoch` is called with the row of every epoch run here (not of those before an interruption)
    after the checkpoint is saved; an exception that it raises ends the training.

    Raises:
        KeyboardInterrupt: on Ctrl-C; raised between two batches.
        AssayError: the loss is no longer a finite number, or the images are too small for the model.
    """
    models.start(seed, section.threads)
    with signals.deferred(), steps.devices(section):
        return _fit(data, model, section, seed, checkpoints, on_epoch)


def _fit(
    data: Data, model: Model, section: Train, seed: int, checkpoints: Path | None, on_epoch: Sequence[OnEpoch]
) -> Fitted:
    started = time.monotonic()
    state = _new_state(data, model, section)
    checkpoint = Checkpoint(checkpoints, digest(data, model, section, seed)) if checkpoints else None
    if checkpoint:
        checkpoint.load(state)
    resumed_after = len(state.rows)
    if resumed_after:
        log.info("going on after epoch %d", resumed_after)
    ready = time.monotonic()
    for row in _epochs(state, data, section, seed):
        if checkpoint:
            checkpoint.save(state)
        log.info("%s", epoch_line(state.rows, section.epochs))
        for function in on_epoch:
            function(row)
    done = time.monotonic()
    state.restore_best()
    fine_tuning.leave(state.model)
    images = class_balance.size(data.train.targets, section.balance)
    return Fitted(
        model=state.model,
        rows=tuple(state.rows),
        best_epoch=best_epoch(state.rows),
        stopped="patience" if _stops_early(state, section) else "epochs",
        resumed_after=resumed_after,
        seconds=done - started,
        images_per_second=(len(state.rows) - resumed_after) * images / (done - ready),
    )


def _new_state(data: Data, model: Model, section: Train) -> State:
    options = {"dropout": model.dropout, "stride": model.stride, "pooling": model.pooling} | model.own()
    network = models.build(model.name, data.images.shape[1:], len(data.classes), **options)
    fine_tuning.check(section, network)
    return State(network, _new_optimizer(network, section))


def _new_optimizer(network: keras.Model, section: Train) -> keras.optimizers.Optimizer:
    """Return an optimizer with state for every weight, including weights that are frozen at first."""
    optimizer = optimizers.build(section)
    if keras.config.dtype_policy().compute_dtype == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def _epochs(state: State, data: Data, section: Train, seed: int) -> Iterator[Row]:
    """Train the state epoch by epoch and yield the row of each, until epochs or patience are used up."""
    for phase in fine_tuning.plan(section):
        if phase.first == len(state.rows) + 1 > 1:
            fine_tuning.leave(state.model)
            state.optimizer = _new_optimizer(state.model, section)
        if phase.first <= len(state.rows) + 1 <= phase.last and not _stops_early(state, section):
            yield from _epochs_of(phase, state, data, section, seed)


def _epochs_of(phase: Phase, state: State, data: Data, section: Train, seed: int) -> Iterator[Row]:
    fine_tuning.enter(phase, state.model)
    weights = None
    if class_balance.BALANCES[section.balance].weighted:
        weights = class_balance.class_weights(data.train.targets, len(data.classes))
    body, network = None, state.model
    if phase.from_layer == models.OUTPUT and phase.epochs > 1 and (parts := fine_tuning.divide(network)):
        body, network = parts

    def batches_of(part: Part) -> Batches | FeatureBatches:
        plain = Batches(data.images, part, section.batch_size, section.threads)
        return FeatureBatches(plain, body) if body else plain

    train, val = batches_of(data.train), batches_of(data.val) if data.val is not None else None
    learn = steps.learning(network, state.optimizer, class_balance.loss(section, weights))
    evaluate = steps.evaluating(network, class_balance.loss(section))
    count = -(-class_balance.size(data.train.targets, section.balance) // section.batch_size)
    began, done = time.monotonic(), 0
    while len(state.rows) < phase.last and not _stops_early(state, section):
        epoch = len(state.rows) + 1
        before = [row.get("val_loss", math.nan) for row in state.rows[phase.first - 1 :]]
        state.optimizer.learning_rate = phase.rate * optimizers.rate_share(section.schedule, phase.epochs, before)
        rate = float(state.optimizer.learning_rate.numpy())
        batches = train.augmented(section.augment, seed, epoch, section.balance)
        left = f", {about((time.monotonic() - began) / done * (section.epochs - epoch + 1))} left" if done else ""
        what, hidden = f"epoch {epoch}/{section.epochs}{left}", not sys.stderr.isatty()  # the log line is enough
        learned = _score(learn, tqdm(batches, what, count, leave=False, disable=hidden, unit="batch"))
        _check("loss", learned["loss"], epoch, rate, section)
        # A ReLU can turn NaN into 0, so weights can be NaN while the loss is still finite.
        total = sum(np.sum(np.abs(weight), dtype=np.float64) for weight in state.model.get_weights())
        _check("sum of weights", float(total), epoch, rate, section)
        scored: dict[str, float] = {}
        if val is not None:
            scored = {f"val_{name}": value for name, value in _score(evaluate, val.plain()).items()}
            _check("val_loss", scored["val_loss"], epoch, rate, section)
        state.rows.append({"epoch": epoch, **learned, **scored, "learning_rate": rate})
        if best_epoch(state.rows) == epoch:
            state.keep_best()
        done += 1
        yield state.rows[-1]


def _stops_early(state: State, section: Train) -> bool:
    return stops_early(state.rows, section.patience, start=section.fine_tune.frozen_epochs)


def stops_early(rows: Sequence[Row], patience: int, start: int = 0) -> bool:
    """True if the best epoch is at least `patience` epochs ago; epochs up to `start` do not count.

    Without a val part the best epoch is always the last one, so training never stops early.
    """
    return bool(rows) and len(rows) - max(best_epoch(rows), start) >= patience


def epoch_line(rows: Sequence[Row], epochs: int) -> str:
    """Describe the last epoch: ``epoch 12/60 loss 0.61 val_loss 0.63 val_auc 0.71 best``."""
    row = rows[-1]
    scores = " ".join(f"{name} {row[name]:.4f}" for name in ("loss", "val_loss", "val_auc") if name in row)
    return f"epoch {len(rows)}/{epochs} {scores}{' best' if best_epoch(rows) == len(rows) else ''}"


def _score(step: steps.Step, batches: Iterable[Batch]) -> dict[str, float]:
    """Run a step over all batches; at the first loss that is not finite, stop and return only that loss."""
    found, probabilities, targets = [], [], []
    for pixels, numbers in batches:
        signals.check()
        loss, probability = step(pixels, numbers)
        if not np.isfinite(loss).all():
            return {"loss": float(loss[~np.isfinite(loss)][0])}
        found.append(loss)
        probabilities.append(probability)
        targets.append(numbers)
    truth, guess = np.concatenate(targets), np.concatenate(probabilities)
    return {"loss": float(np.mean(np.concatenate(found), dtype=np.float64)), **epoch_scores(truth, guess)}


def _check(name: str, value: float, epoch: int, rate: float, section: Train) -> None:
    if not np.isfinite(value):
        raise AssayError(
            f"train: expected a finite {name}, found {value} in epoch {epoch}; likely causes: "
            f"train.learning_rate {rate:g} is too high for {section.optimizer}, "
            f"train.batch_size {section.batch_size} is too small for that rate, or values overflow in the model"
        )
