"""The stage repeat, and what `python -m src.repeat` does once the parameters are known: train, score, doubt, report."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from tabulate import tabulate

from src.config import Params
from src.config.overrides import canonical
from src.core import console, files
from src.core.errors import AssayError
from src.core.files import digest_of
from src.core.paths import PREPARED, REPEATED, ModelFiles, Repeated, home
from src.evaluate.inputs import Image
from src.executors import training_inputs
from src.executors.protocol import Executor, Fold
from src.executors.workers import start as start_workers
from src.images.store import open_images
from src.metrics.scores import BY_NAME
from src.repeat import folds, out_of_fold, suspects, trainings
from src.repeat.out_of_fold import OutOfFold, Tree
from src.repeat.trainings import Trained
from src.tracking import study_run
from src.tracking.record import Trial
from src.train.data import order as class_order

Start = Callable[[Path, Path], Executor]  # workers that write to one folder and read from another
AGAIN = "python -m src.repeat"
ENTRY = "src/repeat/__main__.py"


def repeat(params: Params) -> None:
    """Cross-validate with one worker, so that the same inputs give the same outputs.

    Raises:
        AssayError: anything that a person can mend.
    """
    run(params, lambda store, data: start_workers(1, params.train.threads, store, data))


def run(params: Params, start: Start, out: Repeated = REPEATED, refit: int = 0) -> None:
    """Train all folds and seeds, and write scores, predictions, models, the ensemble and suspects.

    refit: so many networks learn from all images, and are the ensemble in place of those of the folds.

    Raises:
        AssayError: anything that a person can mend.
        KeyboardInterrupt: asked for by Ctrl-C; what was trained is kept.
    """
    began = int(time.time() * 1000)
    training_inputs.bring_up_to_date()
    images = folds.read(params)
    divided = folds.divide(images, params, inner=not refit)
    trained, found, whole = cross_validate(params, images, divided, start, refit)
    about = out_of_fold.summarise(found, params) | {"refit": refit}
    with files.replacing(out.folder) as temporary:
        made = Repeated(temporary)
        made.folder.mkdir(parents=True)
        doubted = (images, found.classes, open_images(PREPARED), found.probabilities)
        about["suspect_labels"] = suspects.write(made.suspects, made.sheet, *doubted)
        files.write_json(made.scores, about)
        out_of_fold.write(made.predictions, found)
        _write_models(trained, whole, found.classes, made)
    console.say(table(about))
    console.say(f"predictions, models and {about['suspect_labels']} labels in doubt: {out.folder}")
    _report(params, about, trained, began, out)


def measure_swapped(params: Params, start: Start, share: float) -> float:
    """Give a share of the images another label, and return how many of these are among the first tenth of suspects.

    Nothing is written but what is kept of trainings.
    """
    training_inputs.bring_up_to_date()
    images, wrong = folds.swap(folds.read(params), share, params.seed)
    _, found, _ = cross_validate(params, images, folds.divide(images, params), start)
    labels = np.array([found.classes.index(image.label) for image in images])
    order, some, _ = suspects.find(found.probabilities, labels)
    kept = suspects.recall(order, wrong)
    console.say(
        f"{wrong.sum()} of {len(wrong)} labels swapped: {kept:.0%} of them among the first {suspects.SHARE:.0%}; "
        f"{len(some)} labels in doubt, {wrong[some].mean() if len(some) else 0:.0%} of these swapped"
    )
    return kept


def cross_validate(
    params: Params, images: Sequence[Image], divided: Sequence[Fold], start: Start, refit: int = 0
) -> tuple[list[Trained], OutOfFold, list[Trained]]:
    """Train every fold over every seed, and put together what the models say of what was held out of them.

    The last of what is returned are `refit` networks that have learned from all images.
    """
    whole: list[Trained] = []
    classes = class_order([image.label for image in images], params.dataset.positive)
    if params.repeat.model == "probe":
        trained = trainings.probes(params, images, divided, classes)
    else:
        store = training_inputs.folder("repeat", params)
        data = store / digest_of(canonical([[image.row, image.label] for image in images]))[: trainings.LENGTH]
        folds.write_home(data, images, params)
        everything = [Fold(train=tuple(image.row for image in images), val=(), held=())]
        executor = start(store, data)
        try:
            trained, whole = (
                trainings.networks(params, images, chosen, executor, store, trainings.seeds(params, count))
                for chosen, count in ((divided, params.repeat.seeds), (everything, refit))
            )
        finally:
            executor.close()
    return trained, out_of_fold.put_together(trained, divided, images, classes, params.evaluate.threshold), whole


def _write_models(
    trained: Sequence[Trained], whole: Sequence[Trained], classes: tuple[str, ...], made: Repeated
) -> None:
    """Copy the networks, and write the ensemble with what those of the folds say of what was held out of them."""
    if not trained[0].model:
        return
    from src.repeat import ensemble  # TensorFlow

    made.models.mkdir()
    seeds = list(dict.fromkeys(each.seed for each in (*trained, *whole)))
    for one in (*trained, *whole):
        assert one.model
        name = "all" if any(one is each for each in whole) else f"fold_{one.fold}"
        shutil.copyfile(one.model, made.models / f"{name}_seed_{seeds.index(one.seed) + 1}.keras")
    members, joined = whole or trained, ModelFiles(made.ensemble)
    joined.folder.mkdir()
    ensemble.write([one.model for one in members if one.model], [one.rows for one in members], classes, joined)
    shutil.copyfile(made.predictions, joined.out_of_fold)


def table(about: Tree) -> str:
    """Return the scores as lines of aligned columns."""
    several = about["seeds"] > 1
    rows = []
    for name, each in about["scores"].items():
        interval = f"{each['low']:.3f} to {each['high']:.3f}" if "low" in each else ""
        spreads = [each.get(f"deviation_over_{what}") for what in ("folds", *(["seeds"] if several else []))]
        cells = ["" if number is None else f"{number:.3f}" for number in (each["value"], each.get("mean"), *spreads)]
        rows.append([BY_NAME[name].label, cells[0], interval, *cells[1:]])
    head = ["", "pooled", "interval", "mean", "± folds", *(["± seeds"] if several else [])]
    counted = f"{about['images']} images of {about['groups']} groups, {about['folds']} folds, {about['seeds']} seed(s)"
    counted += f"; the ensemble: {about['refit']} network(s) of all of them" if about["refit"] else ""
    lines = str(tabulate(rows, head, "plain", disable_numparse=True))
    return f"{about['model']} over {about['over']}: {counted}\n{lines}"


def _report(params: Params, about: Tree, trained: Sequence[Trained], began: int, out: Repeated) -> None:
    """Write an MLflow run with a run below it for each training; what tracking lacks never costs a result."""
    end = int(time.time() * 1000)
    trials = []
    for number, (one, told) in enumerate(zip(trained, about["trainings"], strict=True), start=1):
        held = {f"out_of_fold_{name}": value for name, value in told["scores"].items()}
        values = {"fold": one.fold, "train_seed": one.seed}
        trials.append(Trial(number, "complete", values, {}, one.rows, held, start=began, end=end))
    numbers = {f"{name}_{key}": value for name, each in about["scores"].items() for key, value in each.items()}
    study = study_run.LoggedStudy(
        identity=digest_of(canonical([params.model_dump(mode="json"), about])),
        name=f"repeat of {about['model']}",
        settings=params,
        goals={},
        trials=trials,
        confirmed=numbers,
        files={path.name: path for path in (out.scores, out.predictions, out.suspects, out.sheet)},
    )
    with suppress(AssayError):  # a full disk has been reported already
        study_run.send(study, home(), study_run.Lineage.read(params, ENTRY, AGAIN))
