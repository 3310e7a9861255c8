"""Where each stage reads and writes, relative to the folder that the pipeline runs in."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARAMS = Path("params.yaml")


class In:
    """A file of this name in the `folder` of the object that it is asked of."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, _: type | None = None) -> Path:
        return Path(owner.folder, self.name)


@dataclass(frozen=True)
class Folder:
    """What one stage writes: a file each for the names that a class of its own gives."""

    folder: Path


class Raw(Folder):
    """Images as obtained; manifest.csv: path (posix, below folder), label, group, fold and what else a table says.

    counts.csv: images of each class. left_out.csv: files that are no images of the manifest, by kind and reason.
    """

    manifest = In("manifest.csv")
    counts = In("counts.csv")
    left_out = In("left_out.csv")


class Prepared(Folder):
    """Packed uint8 images (N, H, W, C); index.csv, a row per image in the same order; thumbnails.npy; two more tables.

    rejected.csv: files that did not become an image. histograms.csv: levels before and after the steps.
    """

    images = In("images.npy")
    index = In("index.csv")
    thumbnails = In("thumbnails.npy")
    rejected = In("rejected.csv")
    histograms = In("histograms.csv")
    sheet = In("steps.png")
    levels = In("levels.png")


class SplitFiles(Folder):
    """split.csv (row, part, group); audit.json; sheets of alike images across parts and of the copies found."""

    parts = In("split.csv")
    audit = In("audit.json")
    sheet = In("pairs.png")
    lookalikes = In("lookalikes.csv")
    copies = In("lookalikes.png")


class ModelFiles(Folder):
    """The trained model, its class names in output order, its history, and the fingerprint of its inputs.

    out_of_fold.csv: of an ensemble, which learned from val too, what of it had not done so says of val.
    """

    model = In("model.keras")
    classes = In("classes.json")
    history = In("history.csv")
    fingerprint = In("fingerprint.json")
    out_of_fold = In("out_of_fold.csv")


class ProbeFiles(Folder):
    """What frozen features reach: probe.json, scores with intervals; features.npz: rows (M,), features (M, F)."""

    scores = In("probe.json")
    features = In("features.npz")


class Evaluation(Folder):
    """All scores, those that people compare, predictions, classification report, figures, their tables, the report.

    warnings.json: what the report says first, before its scores.
    layers.csv: of the network, with their shapes and numbers of weights.
    """

    metrics = In("metrics.json")
    summary = In("summary.json")
    predictions = In("predictions.csv")
    classification = In("classification_report.csv")
    layers = In("layers.csv")
    figures = In("figures")
    plots = In("plots")
    warnings = In("warnings.json")
    report = In("report.html")


class Bundle(Folder):
    """The network and all that it takes to use it: model.onnx, bundle.json, and card.md for a reader.

    predict.pyz is the code of `python -m src.predict`, requirements.txt the packages that it needs.
    """

    network = In("model.onnx")
    description = In("bundle.json")
    card = In("card.md")
    application = In("predict.pyz")
    requirements = In("requirements.txt")


class StudyFiles(Folder):
    """What a study found: trials.csv, a row per trial; figures; one interactive page; candidates.json, exact values."""

    trials = In("trials.csv")
    candidates = In("candidates.json")
    figures = In("figures")
    page = In("study.html")


class Confirmed(Folder):
    """The best trials trained again over several seeds: confirm.csv, a row per training; best.yaml, the winner."""

    table = In("confirm.csv")
    best = In("best.yaml")


class Repeated(Folder):
    """A cross-validation: scores.json; out_of_fold.csv, a prediction for each image; the network of each training.

    ensemble: the networks of all folds as one, as ModelFiles. suspects and sheet: images whose label is in doubt.
    """

    scores = In("scores.json")
    predictions = In("out_of_fold.csv")
    suspects = In("suspect_labels.csv")
    sheet = In("suspect_labels.png")
    models = In("models")
    ensemble = In("ensemble")


RAW = Raw(Path("build/raw"))
PREPARED = Prepared(Path("build/prepared"))
SPLIT = SplitFiles(Path("build/split"))
MODEL = ModelFiles(Path("build/model"))
PROBE = ProbeFiles(Path("build/probe"))
EVALUATION = Evaluation(Path("build/evaluation"))
BUNDLE = Bundle(Path("build/bundle"))
STUDIES = Path("build/studies")  # each in a folder of its own, beside what is kept of trainings
STUDY = StudyFiles(Path("build/tuning/study"))
CONFIRMED = Confirmed(Path("build/tuning/confirmed"))
REPEATED = Repeated(Path("build/repeat"))
TABLES = Path("tables")  # of labels, where a source cannot hold them; a dependency of download
DOWNLOADS = Path("build/downloads")  # not an output either: an interrupted download goes on, a whole one is kept
VARIANTS = Path("build/tuning/variants")  # images of a study that were prepared in other ways, each in a folder
LAST_PREPARED = Path("build/last_prepared")  # not an output: what preprocess takes over in its next run
CHECKPOINTS = Path("build/checkpoints")  # not an output: a stage's outputs are removed before it runs


def home() -> Path:
    """The repository that the person works in, also from inside a temporary DVC experiment workspace.

    DVC runs ``dvc exp run --temp`` in ``.dvc/tmp/exps`` and names the original repository in DVC_ROOT;
    what outlives one experiment (tracking database, relative paths to data elsewhere) is anchored here.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
