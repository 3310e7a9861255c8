"""One training of a study, in this process: the loop of the train stage, stopped by the driver, and scored on val."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops

from src.config import Params, parse
from src.core import paths
from src.core.errors import AssayError
from src.evaluate.predict import predict, with_flips
from src.executors import metric, prepared_cache
from src.executors.protocol import Answer, Finished, Fold, Job, Row
from src.metrics.scored import Scored
from src.metrics.scores import calibration_error, measure
from src.metrics.threshold import FALLBACK, choose
from src.train import Fitted, data, fit, history
from src.train.stage import write

Report = Callable[[Row], bool]
CUSTOM = "CustomGradient-"


class _StoppedError(Exception):
    """The driver wants no further epoch."""


def run(job: Job, report: Report, home: Path) -> Finished:
    """Train a job on the data below `home` and score it on val.

    `report` gets the row of each epoch and says whether to go on.
    Scores are those of the best epoch: val_loss, val_auc, ... as the loop saw them, the number of parameters, and
    what evaluate computes where tune.metric asks for one of its own. A training that was stopped has those of the loop.

    Raises:
        AssayError: the training cannot be done, as a line: it diverged, its values do not fit the images, or memory
            ran out.
    """
    params = parse(job.params, f"trial {job.number}")
    try:
        with released():
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
        best = history.best(rows)
        scores = metric.of_epochs(rows, best)
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
    scores = metric.of_epochs(fitted.rows, fitted.best_epoch)
    scores["parameters"] = float(fitted.model.count_params())
    if given.val is None or set(params.tune.metric) <= set(scores):
        return scores
    return val_scores(fitted.model, given, given.val, params.evaluate.threshold) | scores


def _load(params: Params, home: Path, fold: Fold | None = None) -> data.Data:
    prepared, split = prepared_cache.prepared(params, home)
    if fold:
        rows = {"train": fold.train} | ({"val": fold.val} if fold.val else {})
        return data.choose(prepared, rows, params.dataset.positive, split.parts)
    made = prepared_cache.signature(prepared.images, prepared.index, split.parts)
    return _loaded(prepared, split, params.dataset.positive, made)


@lru_cache(maxsize=8)
def _loaded(
    prepared: paths.Prepared, split: paths.SplitFiles, positive: str | None, _: prepared_cache.Signature
) -> data.Data:
    """Open the store once for all trials that read it."""
    return data.load(prepared, split, positive)


def val_scores(model: keras.Model, given: data.Data, val: data.Part, rule: str | float) -> dict[str, float]:
    """Return every score that evaluate gives of val, by name; those that cannot be told from it are left out.

    rule: of the threshold, which is chosen on val and used on it, as in the val scores of metrics.json.
    """
    count = len(val.rows)
    scored = Scored(
        classes=given.classes,
        rows=val.rows,
        paths=("",) * count,
        labels=val.targets,
        probabilities=predict(model, given.images, val.rows),
        groups=np.arange(count),
        grouped=False,
    )
    cut = choose(scored.labels == 1, scored.probabilities[:, 1], rule).value if scored.binary else FALLBACK
    decisions = scored.decide(cut)
    values = measure(scored, decisions, np.ones((1, scored.size)))
    scores = {key[0]: float(value[0]) for key, value in values.items() if len(key) == 1}
    scores["calibration_error"] = calibration_error(scored, decisions)
    return {name: value for name, value in scores.items() if np.isfinite(value)}


@contextmanager
def released() -> Iterator[None]:
    """Delete the graphs of the block when it ends.

    TensorFlow files each custom gradient that it meets in a graph under a number of its own and never takes it out
    (tf.custom_gradient, in graph mode); with it stays the graph of the whole step, which is used no more: 7 MB a trial.
    """
    known: dict[str, object] = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    before = set(known)
    try:
        yield
    finally:
        for name in [name for name in known if name.startswith(CUSTOM) and name not in before]:
            del known[name]
        keras.utils.clear_session()
