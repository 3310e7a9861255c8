"""One training of a study, in this process: the loop of the train stage, stopped when the driver says so."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import tensorflow as tf

from src import paths
from src.errors import AssayError
from src.params import Params, parse
from src.training import Fitted, data, fit, history
from src.tuning import scoring, variants
from src.tuning.graphs import released
from src.tuning.jobs import Finished, Job, Row
from src.tuning.judging import judge

Report = Callable[[Row], bool]


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
        raise AssayError(_out_of_memory(params)) from error


def _train(job: Job, params: Params, report: Report, home: Path) -> Finished:
    given = _load(params, home)
    rows: list[Row] = []

    def on_epoch(row: Row) -> None:
        rows.append(dict(row))
        if not report(row):
            raise _StoppedError

    try:
        fitted = fit(given, params.model, params.train, job.seed, on_epoch=[on_epoch])
    except _StoppedError:
        best = history.best(rows)
        scores = scoring.of_epochs(rows, best)
        return Finished(job.number, tuple(rows), scores, stopped=True, facts={"best_epoch": best})
    return Finished(job.number, tuple(rows), _scores(fitted, given, params), facts=_facts(fitted))


def _scores(fitted: Fitted, given: data.Data, params: Params) -> dict[str, float]:
    scores = scoring.of_epochs(fitted.rows, fitted.best_epoch)
    scores["parameters"] = float(fitted.model.count_params())
    if set(params.tune.metric) <= set(scores):
        return scores
    return judge(fitted.model, given, params.evaluate.threshold, params.train.threads) | scores


def _facts(fitted: Fitted) -> dict[str, float]:
    return {
        "best_epoch": fitted.best_epoch,
        "seconds": fitted.seconds,
        "images_per_second": fitted.images_per_second,
    }


def _load(params: Params, home: Path) -> data.Data:
    prepared, split = variants.prepared(params, home)
    made = variants.signature(prepared.images, prepared.index, split.parts)
    return _loaded(prepared, split, params.dataset.positive, made)


@lru_cache(maxsize=8)
def _loaded(prepared: paths.Prepared, split: paths.Split, positive: str | None, _: variants.Signature) -> data.Data:
    """Open the store once for all trials that read it."""
    return data.load(prepared, split, positive)


def _out_of_memory(params: Params) -> str:
    size = "x".join(str(side) for side in params.preprocess.sides)
    return f"out of memory: {params.model.name} on images of {size} in batches of {params.train.batch_size}"
