"""The results of tracked runs as the tables of docs/presets.md and docs/comparisons.md, and the commands of these runs.

python -m tools.run_tables --commands FOLDER prints the command of each run, for the archives in a folder; --write
writes the tables. With `presets` or `comparisons`, it does so for one of the two documents.
"""

import argparse
import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from src import compare, presets
from src.config import Params, source_name
from src.core import console, paths
from src.core.errors import AssayError
from src.core.files import markdown_table, write_text
from src.download import layouts
from src.presets import Preset
from src.tracking import query
from src.tracking.query import NOTHING, Run, score
from src.tracking.run_description import values

PRESETS, COMPARED = "presets", "comparisons"
DOCUMENTS = {PRESETS: Path("docs/presets.md"), COMPARED: Path("docs/comparisons.md")}
START, END = "<!-- runs -->", "<!-- /runs -->"

# Each preset runs with every kind of split that its data allow; the runs may differ from it in these keys.
FREE = (
    *("dataset.source", "dataset.sha256", "split.by", "split.folds", "split.leaks"),
    *("track.", "evaluate.", "export.", "tune."),
)
METRICS = (("accuracy", "test_accuracy"), ("AUC", "test_auc"))
NOTE = (
    "Accuracy and AUC on the test part (AUC of more than two classes: mean of each against the rest), in brackets the "
    "interval over resampled groups (patients, or images that show one slide), or images where none is known; n: "
    "images and groups of the test part. Of each kind the newest run whose other parameters are those of the preset. "
    "Nothing was chosen on a test part."
)
Row = Mapping[str, str]
RANDOM, HONEST, OFFICIAL = "random split", "split by group", "source's test part"
KINDS = (RANDOM, HONEST, OFFICIAL)


class Comparison(NamedTuple):
    """A preset, the values that all runs share, and the values of each run, as for `src.reproduce --set`."""

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
# The questions of the walk-throughs, by the experiment that tracks their runs, which differ in one thing.
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
    "blood_steps": Comparison("blood_cnn", "train.patience=210", ("train.epochs=30", "train.epochs=210")),
    "malaria_steps": Comparison("malaria_cnn", "train.patience=21", ("train.epochs=3", "train.epochs=21")),
    "blood_color": Comparison("blood_cnn", COMPACT, COLORS),
    "blood_weights": Comparison("blood_transfer", "", WEIGHTS),
    "malaria_weights": Comparison("malaria_transfer", "", WEIGHTS),
    "covid_weights": Comparison("covid_transfer", "", WEIGHTS),
    "xray_weights": Comparison("pneumonia_transfer", "", WEIGHTS),
}
COMPARISON_METRICS = ("auc", "accuracy", "balanced_accuracy")


def main() -> None:
    """Write the tables, or list the commands."""
    parser = argparse.ArgumentParser("python -m tools.run_tables", description=__doc__)
    parser.add_argument("document", nargs="?", choices=DOCUMENTS, help="only this document (default: both)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the tables")
    what.add_argument("--commands", type=Path, metavar="FOLDER", help="print the commands")
    parser.add_argument(
        "--data", nargs="+", default=[], metavar="NAME", help="presets on these data (default: all but samples)"
    )
    asked = parser.parse_args()
    documents = [asked.document] if asked.document else list(DOCUMENTS)
    known = [presets.read(name) for name in presets.names()]
    if asked.commands:
        found = archives(known, asked.commands)
        lines = [line for name in documents for line in COMMANDS[name](known, found)]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        return
    runs = query.read(paths.home())
    if PRESETS in documents:
        _write_presets(known, runs, asked.data)
    if COMPARED in documents:
        _write_comparisons(runs)


def _write_presets(known: Sequence[Preset], runs: Sequence[Run], data: Sequence[str]) -> None:
    document = DOCUMENTS[PRESETS]
    table = rows(known, query.detailed(runs, paths.home()), data)
    command = shlex.join(["python", "-m", "tools.run_tables", *sys.argv[1:]])
    insert(document, f"{markdown_table(table)}\n\n{NOTE}\nWritten by `{command}`.")
    scored = sum(row[kind] != NOTHING for row in table for kind in KINDS)
    sys.stderr.write(f"{document}: {scored} run(s) of {len(known)} presets written\n")


def _write_comparisons(everything: Sequence[Run]) -> None:
    document = DOCUMENTS[COMPARED]
    for name in COMPARISONS:
        runs = query.newest([run for run in everything if run.experiment == name])
        if runs:
            insert(document, comparison_table(query.detailed(runs, paths.home())), name)
        sys.stderr.write(f"{document}: {name}: {len(runs)} run(s) written\n")


def insert(path: Path, text: str, name: str = "") -> None:
    """Replace the text between the two markers of a document; with several tables, the first marker has a name.

    Raises:
        AssayError: the document lacks a marker.
    """
    first = START.replace("runs", f"runs: {name}") if name else START
    before, start, rest = path.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise AssayError(f"{path}: expected the lines {first} and {END}, found no {END if start else first}")
    write_text(path, f"{before}{first}\n{text}\n{END}{after}")


def archives(known: Sequence[Preset], folder: Path) -> dict[str, Path]:
    """Find the archive of each preset; its name begins with the name of the samples that it replaces.

    Raises:
        AssayError: the folder has no archive for a preset, or several.
    """
    found: dict[str, Path] = {}
    for preset in known:
        samples = source_name(preset.params.dataset.source)
        match sorted(folder.glob(f"{samples}*")):
            case [archive]:
                found[preset.name] = archive
            case several:
                names = ", ".join(path.name for path in several) or "none"
                wanted = f"one archive or folder {samples}* for {preset.name}"
                raise AssayError(f"{folder}: expected {wanted}, found {names}")
    return found


def preset_commands(known: Sequence[Preset], sources: Mapping[str, Path]) -> Iterator[str]:
    """Yield a command for each preset and kind of split; sources: the archive of each preset, by its name."""
    for preset in known:
        for changes in variants(preset.params).values():
            yield _command(preset.name, sources, (f"{key}={value}" for key, value in changes.items()))


def comparison_commands(_: Sequence[Preset], sources: Mapping[str, Path]) -> Iterator[str]:
    """Yield the command that makes each run of each comparison."""
    for name, (preset, shared, runs) in COMPARISONS.items():
        for run in runs:
            yield _command(preset, sources, (*shared.split(), *run.split(), f"track.experiment={name}"))


def _command(preset: str, sources: Mapping[str, Path], pairs: Iterable[str]) -> str:
    return shlex.join(["python", "-m", "src.reproduce", preset, "--source", str(sources[preset]), "--set", *pairs])


COMMANDS = {PRESETS: preset_commands, COMPARED: comparison_commands}


def rows(known: Sequence[Preset], runs: Sequence[Run], data: Collection[str] = ()) -> list[Row]:
    """Return one row for each preset and data set, and one row without scores for a preset that has no run.

    data: names of data sets; if empty, all except the samples that the presets themselves name.
    """
    return [row for preset in known for row in _rows_of(preset, runs, data)]


def _rows_of(preset: Preset, runs: Sequence[Run], data: Collection[str]) -> Iterator[Row]:
    samples = source_name(preset.params.dataset.source)
    found: dict[str, dict[str, Run]] = {}
    for run in sorted(runs, key=lambda run: run.start):
        name = run.tags.get("data.name", "")
        if _is_of(run, preset) and (name in data if data else name != samples):
            found.setdefault(name, {})[kind(run)] = run
    for name in sorted(found) or [NOTHING]:
        yield _row(preset, name, found.get(name, {}))


def _is_of(run: Run, preset: Preset) -> bool:
    """Return whether a run has been evaluated and differs from a preset only in the keys of FREE, such as its data."""
    same = (
        run.params.get(key, value) == value for key, value in values(preset.params).items() if not key.startswith(FREE)
    )
    return run.experiment == preset.name and METRICS[0][1] in run.metrics and all(same)


def _row(preset: Preset, data: str, found: Mapping[str, Run]) -> Row:
    return {
        "preset": f"`{preset.name}`",
        "data": data,
        "picture": preset.picture,
        "published": preset.header.get("Published", NOTHING).removesuffix("."),
        **{kind: _cell(found[kind]) if kind in found else NOTHING for kind in KINDS},
    }


def _cell(run: Run) -> str:
    scores = [f"{title} {score(run.metrics, name)}" for title, name in METRICS]
    images, groups = (run.counts.get(f"test.{what}", 0) for what in ("images", "groups"))
    return "<br>".join([*scores, f"n {images}" + (f" of {groups} groups" if groups else "")])


def variants(params: Params) -> dict[str, dict[str, str]]:
    """Return the values of params.yaml for each kind of split that the data allow."""
    found = {
        RANDOM: {"split.by": "image", "split.folds": "ignore"},
        HONEST: {"split.by": params.split.by, "split.folds": "ignore"},
        OFFICIAL: {"split.by": params.split.by, "split.folds": "respect"},
    }
    if params.dataset.layout in {layout for layout, known in layouts.known().items() if not known.folds}:
        del found[OFFICIAL]
    return found


def kind(run: Run) -> str:
    """Return how the data of a run were split.

    A split by group is random if no group is known, but a split by lookalike finds the copies of one source itself.
    """
    if run.params.get("split.folds") == "respect":
        return OFFICIAL
    by = run.params.get("split.by")
    known = by == "lookalike" or run.counts.get("test.groups", 0) > 0
    return HONEST if by != "image" and known else RANDOM


def comparison_table(runs: Sequence[Run]) -> str:
    """Return a table of what differs between the runs of a comparison, below a line with what they share."""
    ordered = sorted(runs, key=lambda run: run.start)
    cells = [compare.row(run, COMPARISON_METRICS, compare.differing(ordered), document=True) for run in ordered]
    same = {name: value for name, value in cells[0].items() if len({row[name] for row in cells}) == 1}
    told = ", ".join(f"{name} {value}" for name, value in same.items() if value != NOTHING)
    shown = [{name: value for name, value in row.items() if name not in same} for row in cells]
    return f"All: {told}.\n\n{markdown_table(shown)}"


if __name__ == "__main__":
    console.run(main)
