"""Where each stage reads and writes, relative to the folder that the pipeline runs in."""

import os
from dataclasses import dataclass
from pathlib import Path

PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Raw:
    """Images as obtained; manifest.csv: path (posix, below folder), label, group, fold; counts.csv; left_out.csv."""

    folder: Path = Path("build/raw")

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.csv"

    @property
    def counts(self) -> Path:
        return self.folder / "counts.csv"

    @property
    def left_out(self) -> Path:
        return self.folder / "left_out.csv"


@dataclass(frozen=True)
class Prepared:
    """Packed uint8 images (N, H, W, C); index.csv, a row per image in the same order; thumbnails.npy; two more tables.

    rejected.csv: files that did not become an image. histograms.csv: levels before and after the steps.
    """

    folder: Path = Path("build/prepared")

    @property
    def images(self) -> Path:
        return self.folder / "images.npy"

    @property
    def index(self) -> Path:
        return self.folder / "index.csv"

    @property
    def thumbnails(self) -> Path:
        return self.folder / "thumbnails.npy"

    @property
    def rejected(self) -> Path:
        return self.folder / "rejected.csv"

    @property
    def histograms(self) -> Path:
        return self.folder / "histograms.csv"

    @property
    def sheet(self) -> Path:
        return self.folder / "steps.png"


@dataclass(frozen=True)
class Split:
    """split.csv (row, part, group); audit.json; sheets of alike images across parts and of the copies found."""

    folder: Path = Path("build/split")

    @property
    def parts(self) -> Path:
        return self.folder / "split.csv"

    @property
    def audit(self) -> Path:
        return self.folder / "audit.json"

    @property
    def sheet(self) -> Path:
        return self.folder / "pairs.png"

    @property
    def lookalikes(self) -> Path:
        return self.folder / "lookalikes.csv"

    @property
    def copies(self) -> Path:
        return self.folder / "lookalikes.png"


@dataclass(frozen=True)
class Model:
    """The trained model, its class names in output order, its history, and the fingerprint of its inputs."""

    folder: Path = Path("build/model")

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def classes(self) -> Path:
        return self.folder / "classes.json"

    @property
    def history(self) -> Path:
        return self.folder / "history.csv"

    @property
    def fingerprint(self) -> Path:
        return self.folder / "fingerprint.json"


@dataclass(frozen=True)
class Evaluation:
    """metrics.json, predictions.csv, classification_report.csv, figures, the tables behind them, and the report."""

    folder: Path = Path("build/evaluation")

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.json"

    @property
    def predictions(self) -> Path:
        return self.folder / "predictions.csv"

    @property
    def classification(self) -> Path:
        return self.folder / "classification_report.csv"

    @property
    def figures(self) -> Path:
        return self.folder / "figures"

    @property
    def plots(self) -> Path:
        return self.folder / "plots"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"


@dataclass(frozen=True)
class Study:
    """What a study found: trials.csv, a row per trial; figures; one interactive page; candidates.json, exact values."""

    folder: Path = Path("build/tuning/study")

    @property
    def trials(self) -> Path:
        return self.folder / "trials.csv"

    @property
    def candidates(self) -> Path:
        return self.folder / "candidates.json"

    @property
    def figures(self) -> Path:
        return self.folder / "figures"

    @property
    def page(self) -> Path:
        return self.folder / "study.html"


@dataclass(frozen=True)
class Confirmed:
    """The best trials trained again over several seeds: confirm.csv, a row per training; best.yaml, the winner."""

    folder: Path = Path("build/tuning/confirmed")

    @property
    def table(self) -> Path:
        return self.folder / "confirm.csv"

    @property
    def best(self) -> Path:
        return self.folder / "best.yaml"


RAW = Raw()
PREPARED = Prepared()
SPLIT = Split()
MODEL = Model()
EVALUATION = Evaluation()
STUDY = Study()
CONFIRMED = Confirmed()
DOWNLOADS = Path("build/downloads")  # not an output either: an interrupted download goes on, a whole one is kept
CHECKPOINTS = Path("build/checkpoints")  # not an output: a stage's outputs are removed before it runs


def home() -> Path:
    """The repository that the person works in, also from inside a temporary DVC experiment workspace.

    DVC runs ``dvc exp run --temp`` in ``.dvc/tmp/exps`` and names the original repository in DVC_ROOT;
    what outlives one experiment (tracking database, relative paths to data elsewhere) is anchored here.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
