"""The one training loop: the train stage, tuning and tests all call it."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from src import models
from src.errors import AssayError
from src.params import Model, Train
from src.training import history, inputs, optimizers, runtime, scores, steps
from src.training.batches import Batches, Numbers, Pixels
from src.training.checkpoint import Checkpoint, State
from src.training.data import Data
from src.training.history import Row

log = logging.getLogger(__name__)
OnEpoch = Callable[[Row], None]


@dataclass(frozen=True)
class Fitted:
    """The model as it was in its best epoch, and how it got there; the last three vary from run to run."""

    model: keras.Model
    rows: tuple[Row, ...]
    best_epoch: int
    stopped: str
    resumed_after: int
    seconds: float
    images_per_second: float


def fit(
    data: Data,
    model: Model,
    section: Train,
    seed: int,
    *,
    checkpoints: Path | None = None,
    on_epoch: Sequence[OnEpoch] = (),
) -> Fitted:
    """Train a model until its epochs or its patience are used up; go on from a checkpoint if there is one.

    Each function of `on_epoch` gets the row of every epoch that was run here (not of those before an interruption),
    after it was saved; an exception that it raises ends the training.

    Raises:
        AssayError: the loss is no longer a finite number, or the images are too small for the model.
    """
    started = time.monotonic()
    runtime.start(seed, section.threads)
    state = _new_state(data, model, section)
    checkpoint = Checkpoint(checkpoints, inputs.digest(data, model, section, seed)) if checkpoints else None
    if checkpoint:
        checkpoint.load(state)
    resumed_after = len(state.rows)
    if resumed_after:
        log.info("goes on after epoch %d", resumed_after)
    _run(state, data, section, seed, checkpoint, on_epoch)
    state.restore_best()
    seconds = time.monotonic() - started
    ran = len(state.rows) - resumed_after
    return Fitted(
        model=state.model,
        rows=tuple(state.rows),
        best_epoch=history.best(state.rows),
        stopped="patience" if history.exhausted(state.rows, section.patience) else "epochs",
        resumed_after=resumed_after,
        seconds=seconds,
        images_per_second=ran * len(data.train.rows) / seconds,
    )


def _new_state(data: Data, model: Model, section: Train) -> State:
    network = models.build(
        model.name,
        data.images.shape[1:],
        len(data.classes),
        dropout=model.dropout,
        stride=model.stride,
        pooling=model.pooling,
    )
    optimizer = optimizers.build(section.optimizer, section.learning_rate)
    optimizer.build(network.trainable_variables)
    return State(network, optimizer)


def _run(
    state: State,
    data: Data,
    section: Train,
    seed: int,
    checkpoint: Checkpoint | None,
    on_epoch: Sequence[OnEpoch],
) -> None:
    learn, judge = steps.learning(state.model, state.optimizer), steps.judging(state.model)
    train = Batches(data.images, data.train, section.batch_size, section.threads)
    val = Batches(data.images, data.val, section.batch_size, section.threads)
    while len(state.rows) < section.epochs and not history.exhausted(state.rows, section.patience):
        epoch = len(state.rows) + 1
        batches = tqdm(
            train.augmented(section.augment, seed, epoch),
            total=len(train),
            desc=f"epoch {epoch}/{section.epochs}",
            leave=False,
            disable=not sys.stderr.isatty(),
        )
        rate = float(np.array(state.optimizer.learning_rate))
        row = {"epoch": epoch, **_score(learn, batches), **_prefixed(_score(judge, val.plain())), "learning_rate": rate}
        _check(row, section)
        state.rows.append(row)
        if history.best(state.rows) == epoch:
            state.keep_best()
        if checkpoint:
            checkpoint.save(state)
        log.info("%s", history.line(state.rows, section.epochs))
        for function in on_epoch:
            function(row)


def _score(step: steps.Step, batches: Iterable[tuple[Pixels, Numbers]]) -> dict[str, float]:
    """Run a step over all batches; stop at the first loss that is not a finite number."""
    losses, probabilities, targets = [], [], []
    for pixels, numbers in batches:
        loss, probability = step(pixels, numbers)
        losses.append(loss)
        probabilities.append(probability)
        targets.append(numbers)
        if not np.isfinite(loss).all():
            return {"loss": float("nan")}
    truth, guess = np.concatenate(targets), np.concatenate(probabilities)
    return {
        "loss": float(np.mean(np.concatenate(losses), dtype=np.float64)),
        "accuracy": scores.accuracy(truth, guess),
        "auc": scores.auc(truth, guess),
    }


def _prefixed(row: Row) -> dict[str, float]:
    return {f"val_{name}": value for name, value in row.items()}


def _check(row: Row, section: Train) -> None:
    for name in ("loss", "val_loss"):
        if not np.isfinite(row[name]):
            raise AssayError(
                f"train: expected a finite {name}, found {row[name]} in epoch {row['epoch']:.0f}; likely causes: "
                f"train.learning_rate {section.learning_rate:g} is too high for {section.optimizer}, "
                f"train.batch_size {section.batch_size} is too small for it, or the model's values overflow"
            )
