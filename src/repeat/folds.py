"""The folds of a cross-validation and their trainings.

Each training trains on some images, validates on others and predicts the held-out ones; no group is in two of these.
Networks are trained by an executor, each cached by its inputs; probes are fitted in this process.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.config import Params
from src.config.overrides import canonical, key
from src.core import files, partition, random_streams
from src.core.errors import AssayError
from src.core.paths import PREPARED, SPLIT
from src.core.progress import track
from src.evaluate.inputs import Image, read_images
from src.executors.protocol import Executor, Failed, Finished, Fold, Job
from src.executors.workers import run_all
from src.images.store import open_images
from src.metrics.objectives import Row, best_epoch
from src.metrics.predictions import Floats, group_codes
from src.split.assign import assign

log = logging.getLogger(__name__)
MODEL, ANSWER, COURSE = "model.keras", "answer.npz", "course.json"
LENGTH = 32  # hexadecimal digits in the name of a cached training
FEWEST = 3  # groups of a class: one held out, one for val, one for train


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


def read(params: Params) -> list[Image]:
    """Return the images that are cross-validated: those of train and val, or all that are in a part.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    images = read_images(PREPARED.index, SPLIT.parts)
    return [image for image in images if params.repeat.over == "all" or image.part in partition.FITTED]


def divide(images: Sequence[Image], params: Params, *, inner: bool = True) -> tuple[Fold, ...]:
    """Divide the images into folds so that no group is split and each class is spread evenly.

    The images that are not held out are divided again into train and val. The val part serves early stopping and the
    choice of the threshold; its share is split.val / (split.train + split.val). Without `inner` there is no val part:
    the training uses all of these images, for all of its epochs.

    Raises:
        AssayError: a class has too few groups.
    """
    count, share = params.repeat.folds, params.split.val / (params.split.train + params.split.val)
    labels = np.unique([image.label for image in images], return_inverse=True)[1]
    groups, rows = group_codes([image.group for image in images]), np.array([image.row for image in images])
    for label in sorted({image.label for image in images}):
        found = len(np.unique(groups[[image.label == label for image in images]]))
        if found < max(count, FEWEST):
            raise AssayError(
                f"repeat.folds: expected at least {max(count, FEWEST)} groups of each class for {count} folds, "
                f"found {found} of {label}; use fewer folds, or repeat.over: all"
            )
    part = assign(labels, groups, np.full(count, 1 / count), random_streams.stream(params.seed, "folds"))
    found_folds = []
    for number in range(count):
        rest = np.flatnonzero(part != number)
        val = np.zeros(len(rest), np.bool_)
        if inner:
            codes = [np.unique(each[rest], return_inverse=True)[1] for each in (labels, groups)]
            val = (
                assign(
                    codes[0],
                    codes[1],
                    np.array([1 - share, share]),
                    random_streams.stream(params.seed, "folds", number),
                )
                == 1
            )
        if len(np.unique(labels[rest[~val]])) < len(np.unique(labels)):
            raise AssayError("repeat.folds: expected every class in the training images of each fold; use fewer folds")
        chosen = (rest[~val], rest[val], np.flatnonzero(part == number))
        found_folds.append(Fold(*(tuple(rows[places].tolist()) for places in chosen)))
    return tuple(found_folds)


def seeds(params: Params, count: int) -> tuple[int, ...]:
    """Draw the seeds that each fold is trained with."""
    return tuple(random_streams.derive(params.seed, "repeat", number) for number in range(count))


def train_networks(
    params: Params, wanted: Sequence[tuple[int, Fold, int]], executor: Executor, store: Path
) -> list[Trained]:
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


def fit_probes(
    params: Params, images: Sequence[Image], folds: Sequence[Fold], classes: tuple[str, ...]
) -> list[Trained]:
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
