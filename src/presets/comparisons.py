"""The questions of the walk-throughs, each as a few runs that differ in one thing: docs/comparisons.md."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PAGE = Path("docs/comparisons.md")


class Comparison(NamedTuple):
    """A preset, values that all its runs have, and the values of each run, as for `src.reproduce --set`."""

    preset: str
    shared: str
    runs: tuple[str, ...]


XRAY = "preprocess.image_size=96 train.epochs=10 train.patience=10 evaluate.threshold=0.5"
COMPACT = (
    "model.name=compact_cnn model.pooling=average model.stride=2 model.dropout=0.3 train.optimizer=adamw "
    "train.learning_rate=2e-3 train.schedule.name=cosine train.schedule.warmup=2"
)
COLORS = ("preprocess.color=gray preprocess.steps=[gray,resize]", "preprocess.color=rgb preprocess.steps=[resize]")
WEIGHTS = ("model.efficientnet_lite.weights=none", "model.efficientnet_lite.weights=imagenet")
# By the name of the experiment that tracks its runs.
COMPARISONS: Mapping[str, Comparison] = {
    "xray_balance": Comparison(
        "pneumonia_separable",
        XRAY,
        tuple(f"train.balance={name}" for name in ("none", "weights", "focal", "oversample", "undersample")),
    ),
    "xray_batch_norm": Comparison(
        "pneumonia_separable",
        XRAY,
        tuple(f"model.separable.batch_norm={on} model.dropout={rate}" for on in ("true", "false") for rate in (0.7, 0)),
    ),
    "blood_color": Comparison("blood_cnn", COMPACT, COLORS),
    "blood_weights": Comparison("blood_transfer", "", WEIGHTS),
    "malaria_weights": Comparison("malaria_transfer", "", WEIGHTS),
    "covid_weights": Comparison("covid_transfer", "preprocess.image_size=128", WEIGHTS),
}
METRICS = "auc accuracy balanced_accuracy"


def commands(sources: Mapping[str, Path]) -> Iterator[str]:
    """Yield the commands that make each run, and then the table of each comparison.

    sources: the archive of each preset, by its name.
    """
    for name, (preset, shared, runs) in COMPARISONS.items():
        for run in runs:
            pairs = " ".join(f"'{pair}'" for pair in (*shared.split(), *run.split(), f"track.experiment={name}"))
            yield f"python -m src.reproduce {preset} --source {shlex.quote(str(sources[preset]))} --set {pairs}"
        yield f"python -m src.compare --experiment {name} --metrics {METRICS} --write {PAGE}#{name}"
