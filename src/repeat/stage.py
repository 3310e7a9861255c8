"""The stage repeat, also run by `python -m src.repeat`: train, score, find doubtful labels, report."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from tabulate import tabulate

from src.config import Params
from src.config.overrides import canonical
from src.core import console, files
from src.core.errors import AssayError
from src.core.files import digest_of
from src.core.paths import PREPARED, REPEATED, ModelFiles, Repeated
from src.evaluate.inputs import Image
from src.executors import training_inputs
from src.executors.protocol import Executor, Fold
from src.executors.workers import Workers
from src.images.store import open_images
from src.metrics.scores import BY_NAME
from src.repeat import folds, out_of_fold
from src.repeat.folds import Trained
from src.repeat.out_of_fold import OutOfFold, Tree
from src.tracking import study_run
from src.tracking.record import Trial
from src.train.data import order as class_order

Start = Callable[[Path, Path], Executor]  # starts workers that write to the first folder and read below the second
AGAIN = "python -m src.repeat"
ENTRY = "src/repeat/__main__.py"


def run(params: Params, start: Start | None = None, refit: int = 0) -> None:
    """Train all folds and seeds, and write scores, predictions, models, the ensemble and suspects.

    start: starts the workers; None: one worker, so that the same inputs give the same outputs.
    refit: how many networks are trained on all images, and form the ensemble in place of those of the folds.

    Raises:
        AssayError: any error that the user can fix.
        KeyboardInterrupt: after Ctrl-C; finished trainings are cached.
    """
    began = int(time.time() * 1000)
    training_inputs.bring_up_to_date()
    images = folds.read(params)
    start = start or Workers(threads=params.train.threads).start
    trained, found, whole = cross_validate(params, images, start, refit)
    about = out_of_fold.summarise(found, params) | {"refit": refit}
    with files.replacing(REPEATED.folder) as temporary:
        made = Repeated(temporary)
        made.folder.mkdir(parents=True)
        doubted = (images, found.classes, open_images(PREPARED), found.probabilities)
        about["suspect_labels"] = out_of_fold.write_suspects(made.suspects, made.sheet, *doubted)
        files.write_json(made.scores, about)
        out_of_fold.write_predictions(made.predictions, found)
        _write_models(trained, whole, found.classes, made)
    console.say(table(about))
    console.say(f"predictions, models and {about['suspect_labels']} labels in doubt: {REPEATED.folder}")
    _report(params, about, trained, began)


def cross_validate(
    params: Params, images: Sequence[Image], start: Start, refit: int = 0
) -> tuple[list[Trained], OutOfFold, list[Trained]]:
    """Train every fold with every seed, and combine the predictions for the held-out images.

    The last item returned is a list of `refit` networks that were trained on all images.
    """
    divided, whole = folds.divide(images, params, inner=not refit), list[Trained]()
    drawn = folds.seeds(params, max(params.repeat.seeds, refit))
    classes = class_order([image.label for image in images], params.dataset.positive)
    if params.repeat.model == "probe":
        trained = folds.fit_probes(params, images, divided, classes)
    else:
        store = training_inputs.folder("repeat", params)
        everything = Fold(train=tuple(image.row for image in images), val=(), held=())
        each = [(number, fold, seed) for seed in drawn[: params.repeat.seeds] for number, fold in enumerate(divided, 1)]
        wanted = [*each, *((0, everything, seed) for seed in drawn[:refit])]
        with closing(start(store, Path.cwd())) as executor:
            found = folds.train_networks(params, wanted, executor, store)
        trained, whole = found[: len(each)], found[len(each) :]
    return trained, out_of_fold.put_together(trained, divided, images, classes, params.evaluate.threshold), whole


def _write_models(
    trained: Sequence[Trained], whole: Sequence[Trained], classes: tuple[str, ...], made: Repeated
) -> None:
    """Copy the networks, and write the ensemble beside the out-of-fold predictions of the networks of the folds."""
    if not trained[0].model:
        return
    from src.repeat import ensemble  # TensorFlow

    made.models.mkdir()
    seeds = list(dict.fromkeys(each.seed for each in (*trained, *whole)))
    for one in (*trained, *whole):
        assert one.model
        name = f"fold_{one.fold}" if one.fold else "all"
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
    counted += f"; the ensemble: {about['refit']} network(s) trained on all of them" if about["refit"] else ""
    lines = str(tabulate(rows, head, "plain", disable_numparse=True))
    return f"{about['model']} over {about['over']}: {counted}\n{lines}"


def _report(params: Params, about: Tree, trained: Sequence[Trained], began: int) -> None:
    """Write an MLflow run with a nested run for each training; a tracking failure never costs a result."""
    end = int(time.time() * 1000)
    trials = []
    for number, (one, told) in enumerate(zip(trained, about["trainings"], strict=True), start=1):
        held = {f"out_of_fold_{name}": value for name, value in told["scores"].items()}
        values = {"fold": one.fold, "train_seed": one.seed}
        trials.append(Trial(number, "complete", values, {}, one.rows, held, start=began, end=end))
    numbers = {f"{name}_{key}": value for name, each in about["scores"].items() for key, value in each.items()}
    written = (REPEATED.scores, REPEATED.predictions, REPEATED.suspects, REPEATED.sheet)
    study = study_run.LoggedStudy(
        identity=digest_of(canonical([params.model_dump(mode="json"), about])),
        name=f"repeat of {about['model']}",
        settings=params,
        goals={},
        trials=trials,
        confirmed=numbers,
        files={path.name: path for path in written},
    )
    with suppress(AssayError):  # a full disk has been reported already
        study_run.Sender(params, ENTRY, AGAIN).close(study)
