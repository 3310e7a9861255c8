"""The questions of the walk-throughs, each as runs that differ in one thing, as the tables of docs/comparisons.md.

python -m tools.comparisons --commands FOLDER prints the command of each run, on the archives in a folder; --write FILE
writes their tables into a document, each after its marker.
"""

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from src import compare, presets
from src.core import console, paths
from src.core.files import markdown_table
from src.tracking import query
from src.tracking.query import Run
from tools.presets_table import archives, insert


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
WEIGHTS = (
    "model.efficientnet_lite.weights=none train.fine_tune.frozen_epochs=0",
    "model.efficientnet_lite.weights=imagenet",
)
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
        (
            "model.separable.batch_norm=true model.dropout=0.7",
            "model.separable.batch_norm=true model.dropout=0",
            "model.separable.batch_norm=false model.dropout=0.7",
            "model.separable.batch_norm=false model.dropout=0",
            "model.separable.batch_norm=false model.dropout=0 train.learning_rate=1e-4",
        ),
    ),
    "blood_color": Comparison("blood_cnn", COMPACT, COLORS),
    "blood_weights": Comparison("blood_transfer", "", WEIGHTS),
    "malaria_weights": Comparison("malaria_transfer", "", WEIGHTS),
}
METRICS = ("auc", "accuracy", "balanced_accuracy")


def main() -> None:
    """Write the tables, or list the commands."""
    parser = argparse.ArgumentParser("python -m tools.comparisons", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE")
    what.add_argument("--commands", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    if asked.commands:
        known = [presets.read(name) for name in presets.names()]
        sys.stdout.write("".join(f"{line}\n" for line in commands(archives(known, asked.commands))))
        return
    everything = query.read(paths.home())
    for name in COMPARISONS:
        runs = query.newest([run for run in everything if run.experiment == name])
        if runs:
            insert(asked.write, table(query.detailed(runs, paths.home())), name)
        sys.stderr.write(f"{asked.write}: {name}: {len(runs)} run(s) written\n")


def commands(sources: Mapping[str, Path]) -> Iterator[str]:
    """Yield the command that makes each run; sources: the archive of each preset, by its name."""
    for name, (preset, shared, runs) in COMPARISONS.items():
        for run in runs:
            pairs = " ".join(f"'{pair}'" for pair in (*shared.split(), *run.split(), f"track.experiment={name}"))
            yield f"python -m src.reproduce {preset} --source {shlex.quote(str(sources[preset]))} --set {pairs}"


def table(runs: Sequence[Run]) -> str:
    """Lay out what differs between the runs of a comparison, below a line of what does not."""
    ordered = sorted(runs, key=lambda run: run.start)
    rows = [compare.row(run, METRICS, compare.differing(ordered), document=True) for run in ordered]
    same = {name: value for name, value in rows[0].items() if len({row[name] for row in rows}) == 1}
    told = ", ".join(f"{name} {value}" for name, value in same.items() if value != query.NOTHING)
    shown = [{name: value for name, value in row.items() if name not in same} for row in rows]
    return f"All: {told}.\n\n{markdown_table(shown)}"


if __name__ == "__main__":
    console.run(main)
