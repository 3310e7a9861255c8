"""The files that each stage reads and writes, relative to the folder in which the pipeline runs."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARAMS = Path("params.yaml")


class In:
    """A descriptor that returns the path of the file `name` in the `folder` of its object."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, _: type | None = None) -> Path:
        return Path(owner.folder, self.name)


@dataclass(frozen=True)
class Folder:
    """The output folder of one stage; each subclass names the files in it."""

    folder: Path


class Raw(Folder):
    """Images as obtained; manifest.csv: path (posix, below folder), label, group, fold and columns of a label table.

    counts.csv: images of each class. left_out.csv: files that are not in the manifest, by kind and reason.
    """

    manifest = In("manifest.csv")
    counts = In("counts.csv")
    left_out = In("left_out.csv")


class Prepared(Folder):
    """Packed uint8 images (N, H, W, C); index.csv, a row per image in the same order; thumbnails.npy; two more tables.

    rejected.csv: files from which no image was made. histograms.csv: grey or colour levels before and after the steps.
    """

    images = In("images.npy")
    index = In("index.csv")
    thumbnails = In("thumbnails.npy")
    rejected = In("rejected.csv")
    histograms = In("histograms.csv")
    sheet = In("steps.png")
    levels = In("levels.png")


class SplitFiles(Folder):
    """split.csv (row, part, group); audit.json; contact sheets of similar images across parts and of duplicates."""

    parts = In("split.csv")
    audit = In("audit.json")
    sheet = In("pairs.png")
    lookalikes = In("lookalikes.csv")
    copies = In("lookalikes.png")


class ModelFiles(Folder):
    """The trained model, its class names in output order, its history, and the fingerprint of its inputs.

    out_of_fold.csv: only for an ensemble, which has also been trained on val: for each image, the prediction of
    networks that were not trained on it.
    """

    model = In("model.keras")
    classes = In("classes.json")
    history = In("history.csv")
    fingerprint = In("fingerprint.json")
    out_of_fold = In("out_of_fold.csv")


class ProbeFiles(Folder):
    """A probe on frozen features: probe.json, scores with intervals; features.npz: rows (M,), features (M, F)."""

    scores = In("probe.json")
    features = In("features.npz")


class Evaluation(Folder):
    """All scores, a summary of the main ones, predictions, classification report, figures, their tables, HTML report.

    warnings.json: the warnings that the report shows first, before the scores.
    layers.csv: the layers of the network, with output shapes and numbers of weights.
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
    """The network and everything needed to use it: model.onnx, bundle.json, and the model card, card.md.

    predict.pyz is the code of `python -m src.predict`, requirements.txt lists the packages that it needs.
    """

    network = In("model.onnx")
    description = In("bundle.json")
    card = In("card.md")
    application = In("predict.pyz")
    requirements = In("requirements.txt")


class StudyFiles(Folder):
    """Results of a study: trials.csv, a row per trial; figures; an interactive page; candidates.json, exact values."""

    trials = In("trials.csv")
    candidates = In("candidates.json")
    figures = In("figures")
    page = In("study.html")


class Confirmed(Folder):
    """The best trials, retrained with several seeds: confirm.csv, a row per training; best.yaml, the winner."""

    table = In("confirm.csv")
    best = In("best.yaml")


class Repeated(Folder):
    """A cross-validation: scores.json; out_of_fold.csv, a prediction for each image; the network of each training.

    ensemble: the networks of all folds combined, as ModelFiles. suspects and sheet: images with doubtful labels.
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
STUDIES = Path("build/studies")  # each in its own folder, beside the cached trainings
STUDY = StudyFiles(Path("build/tuning/study"))
CONFIRMED = Confirmed(Path("build/tuning/confirmed"))
REPEATED = Repeated(Path("build/repeat"))
TABLES = Path("tables")  # label tables, if a source cannot contain them; a dependency of download
DOWNLOADS = Path("build/downloads")  # not an output: an interrupted download is resumed, a complete one is kept
VARIANTS = Path("build/tuning/variants")  # images prepared with other settings for a study, one folder per setting
LAST_PREPARED = Path("build/last_prepared")  # not an output: images that preprocess reuses in its next run
CHECKPOINTS = Path("build/checkpoints")  # not an output: DVC removes a stage's outputs before it runs


def home() -> Path:
    """Return the root of the user's repository, also from inside a temporary DVC experiment workspace.

    DVC runs ``dvc exp run --temp`` in ``.dvc/tmp/exps`` and names the original repository in DVC_ROOT;
    paths that outlive one experiment (tracking database, relative paths to data elsewhere) start here.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
