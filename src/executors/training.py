"""How a worker runs one job: the training loop of the train stage, which the driver may stop, then scores on val."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from src import models
from src.config import Params, parse
from src.core.errors import AssayError
from src.evaluate.predict import predict, val_scores, with_flips
from src.executors import variants
from src.executors.protocol import Answer, Finished, Fold, Job, Row
from src.metrics import objectives
from src.train import Fitted, data, fit
from src.train.stage import write

import tensorflow as tf

Report = Callable[[Row], bool]


class _StoppedError(Exception):
    """The driver wants no further epoch."""


def run(job: Job, report: Report, home: Path) -> Finished:
    """Train a job on the data below `home` and score it on val.

    `report` receives the row of each epoch and returns whether to continue.
    Scores are those of the best epoch: val_loss, val_auc, ... of the training loop, the number of parameters, and the
    scores of evaluate if tune.metric names one of them. A stopped training has only the scores of the loop.

    Raises:
        AssayError: the training is impossible, in one line: it diverged, its parameters do not fit the images, or
            memory ran out.
    """
    params = parse(job.params, f"trial {job.number}")
    try:
        with models.released():
            return _train(job, params, report, home)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        size, many = "x".join(map(str, params.preprocess.sides)), params.train.batch_size
        raise AssayError(f"out of memory: {params.model.name} on images of {size} in batches of {many}") from error


def _train(job: Job, params: Params, report: Report, home: Path) -> Finished:
    given = _load(params, home, job.fold)
    rows: list[Row] = []

    def on_epoch(row: Row) -> None:
        rows.append(dict(row))
        if not report(row):
            raise _StoppedError

    try:
        fitted = fit(given, params.model, params.train, job.seed, on_epoch=[on_epoch])
    except _StoppedError:
        best = objectives.best_epoch(rows)
        scores = objectives.of_epoch(rows[best - 1])
        return Finished(job.number, tuple(rows), scores, stopped=True, facts={"best_epoch": best})
    answer = _answer(job.fold, fitted, given, params) if job.fold else None
    scores = {} if job.fold else _scores(fitted, given, params)
    facts = {name: getattr(fitted, name) for name in ("best_epoch", "seconds", "images_per_second")}
    return Finished(job.number, tuple(rows), scores, facts=facts, answer=answer)


def _answer(fold: Fold, fitted: Fitted, given: data.Data, params: Params) -> Answer:
    asked = with_flips(fitted.model, params.evaluate.tta)
    val, held = (predict(asked, given.images, np.array(rows, np.int64)) for rows in (fold.val, fold.held))
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        write(fitted.model, path)
        return Answer(val, held, path.read_bytes())


def _scores(fitted: Fitted, given: data.Data, params: Params) -> dict[str, float]:
    scores = objectives.of_epoch(fitted.rows[fitted.best_epoch - 1])
    scores["parameters"] = float(fitted.model.count_params())
    if given.val is None or set(params.tune.metric) <= set(scores):
        return scores
    val, rule = given.val, params.evaluate.threshold
    return val_scores(fitted.model, given.images, val.rows, val.targets, given.classes, rule) | scores


def _load(params: Params, home: Path, fold: Fold | None) -> data.Data:
    found = variants.prepared(params, home)
    if fold:
        rows = {"train": fold.train} | ({"val": fold.val} if fold.val else {})
        return data.choose(found.prepared, rows, params.dataset.positive, found.split.parts)
    return _loaded(found, params.dataset.positive, variants.signature(found))


@lru_cache(maxsize=8)
def _loaded(found: variants.Data, positive: str | None, _: variants.Signature) -> data.Data:
    """Open the store once for all trials that read it."""
    return data.load(found.prepared, found.split, positive)
