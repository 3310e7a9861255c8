"""Train all folds and seeds: networks on an executor, each cached by its inputs, or probes in this process."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.config import Params
from src.config.overrides import canonical, key
from src.core import files, random_streams
from src.core.errors import AssayError
from src.core.paths import PREPARED
from src.core.progress import track
from src.evaluate.inputs import Image
from src.executors.protocol import Executor, Failed, Finished, Fold, Job
from src.executors.workers import run_all
from src.images.store import open_images
from src.metrics.objectives import best_epoch
from src.metrics.scored import Floats
from src.train.history import Row

log = logging.getLogger(__name__)
MODEL, ANSWER, COURSE = "model.keras", "answer.npz", "course.json"
LENGTH = 32  # hexadecimal digits in the name of a cached training


class Trained(NamedTuple):
    """A training: its fold, counted from 1, its seed, and probabilities (N, K) for the held-out images and for val.

    Fold 0 stands for all images, with none held out.

    rows and model: the history and the file of a network.
    """

    fold: int
    seed: int
    held: Floats
    val: Floats | None = None
    rows: Sequence[Row] = ()
    model: Path | None = None


def seeds(params: Params, count: int) -> tuple[int, ...]:
    """Draw the seeds that each fold is trained with."""
    return tuple(random_streams.derive(params.seed, "repeat", number) for number in range(count))


def networks(params: Params, wanted: Sequence[tuple[int, Fold, int]], executor: Executor, store: Path) -> list[Trained]:
    """Train a network for each number, fold and seed, unless it is cached in `store`.

    Raises:
        AssayError: a training failed; those that finished before it are cached.
    """
    content = params.model_dump(mode="json")
    places: dict[Path, tuple[int, int]] = {}
    jobs: dict[Path, Job] = {}
    for number, fold, seed in wanted:
        read = [key(content, seed), params.evaluate.tta, [fold.train, fold.val, fold.held]]
        folder = store / files.digest_of(canonical(read))[:LENGTH]
        places[folder], jobs[folder] = (number, seed), Job(len(jobs), content, seed, fold)
    missing = {job.number: folder for folder, job in jobs.items() if not folder.is_dir()}
    if len(missing) < len(jobs):
        log.info("trainings: %d of %d are cached", len(jobs) - len(missing), len(jobs))
    results = run_all([job for job in jobs.values() if job.number in missing], executor)
    for event in track(results, len(missing), "trainings", "training") if missing else ():
        number, seed = places[missing[event.number]]
        name = f"{f'fold {number}' if number else 'all images'}, seed {seed}"
        if isinstance(event, Failed):
            raise AssayError(f"{name}: {event.reason}")
        _keep(missing[event.number], event)
        if not sys.stderr.isatty():  # there is no progress bar that a line would break
            kept = event.rows[best_epoch(event.rows) - 1]
            score = "val_auc" if "val_auc" in kept else "auc"
            log.info("%s: %s %.3f in epoch %d of %d", name, score, kept[score], best_epoch(event.rows), len(event.rows))
    return [_kept(folder, *place) for folder, place in places.items()]


def _keep(folder: Path, event: Finished) -> None:
    assert event.answer
    with files.replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        (temporary / MODEL).write_bytes(event.answer.model)
        np.savez(temporary / ANSWER, val=event.answer.val, held=event.answer.held)
        files.write_text(temporary / COURSE, json.dumps([dict(row) for row in event.rows]))


def _kept(folder: Path, fold: int, seed: int) -> Trained:
    with np.load(folder / ANSWER) as answer:
        rows: list[Mapping[str, float]] = files.read_json(folder / COURSE)
        return Trained(fold, seed, answer["held"], answer["val"], rows, folder / MODEL)


def probes(params: Params, images: Sequence[Image], folds: Sequence[Fold], classes: tuple[str, ...]) -> list[Trained]:
    """Fit a linear probe on frozen features for each fold and seed; the seed draws the folds that choose C."""
    from src.probe import feature_network, stage

    pixels, place = open_images(PREPARED), {image.row: number for number, image in enumerate(images)}
    features = feature_network.features(pixels, np.array([image.row for image in images], np.int64))
    labels = np.array([classes.index(image.label) for image in images])
    found = []
    for seed in seeds(params, params.repeat.seeds):
        for number, fold in enumerate(folds, start=1):
            learned, held = ([place[row] for row in rows] for rows in ((*fold.train, *fold.val), fold.held))
            some = [images[each] for each in learned]
            groups, names = [image.group for image in some], [image.path for image in some]
            train = stage.Images(np.array([image.row for image in some]), labels[learned], groups, names)
            model = stage.linear(features[learned], train, seed)
            found.append(Trained(number, seed, model.predict_proba(features[held])))
            log.info("probe: fold %d of %d", number, len(folds))
    return found
