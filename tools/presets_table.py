"""What the presets reached in tracked runs, as the table of docs/presets.md, and the commands that make these runs.

python -m tools.presets_table --commands FOLDER prints a command for each preset and kind of split, on the archives in
a folder; --write FILE writes the table into a document.
"""

import argparse
import shlex
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from src import presets
from src.config import Params, source_name
from src.core import console, paths
from src.core.errors import AssayError
from src.core.files import markdown_table, write_text
from src.download.public_datasets import KNOWN
from src.presets.catalog import Preset
from src.tracking import query
from src.tracking.query import NOTHING, Run, score
from src.tracking.tags import values

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
START, END = "<!-- runs -->", "<!-- /runs -->"

RANDOM, HONEST, OFFICIAL = "random split", "split by group", "source's test part"
KINDS = (RANDOM, HONEST, OFFICIAL)


def main() -> None:
    """Write the table, or list the commands."""
    parser = argparse.ArgumentParser("python -m tools.presets_table", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE")
    what.add_argument("--commands", type=Path, metavar="FOLDER")
    parser.add_argument("--data", nargs="+", default=[], metavar="NAME", help="of these data, else of all but samples")
    asked = parser.parse_args()
    known = [presets.read(name) for name in presets.names()]
    if asked.commands:
        sys.stdout.write("".join(f"{line}\n" for line in commands(known, asked.commands)))
        return
    table = rows(known, query.detailed(query.read(paths.home()), paths.home()), asked.data)
    command = " ".join(["python -m tools.presets_table", *map(shlex.quote, sys.argv[1:])])
    insert(asked.write, f"{markdown_table(table)}\n\n{NOTE}\nWritten by `{command}`.")
    scored = sum(row[kind] != NOTHING for row in table for kind in KINDS)
    sys.stderr.write(f"{asked.write}: {scored} run(s) of {len(known)} presets written\n")


def insert(path: Path, text: str, name: str = "") -> None:
    """Replace what stands between the two markers of a document; of several tables the first marker has the name.

    Raises:
        AssayError: it has no markers.
    """
    first = START.replace("runs", f"runs: {name}") if name else START
    before, start, rest = path.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise AssayError(f"{path}: expected the lines {first} and {END}, found no {END if start else first}")
    write_text(path, f"{before}{first}\n{text}\n{END}{after}")


def archives(known: Sequence[Preset], folder: Path) -> dict[str, Path]:
    """Find the archive of each preset, whose name begins with that of the samples that it takes the place of.

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


def commands(known: Sequence[Preset], folder: Path) -> Iterator[str]:
    """Yield a command for each preset and kind of split."""
    found = archives(known, folder)
    for preset in known:
        for changes in variants(preset.params).values():
            pairs = " ".join(f"{key}={value}" for key, value in changes.items())
            yield f"python -m src.reproduce {preset.name} --source {shlex.quote(str(found[preset.name]))} --set {pairs}"


def rows(known: Sequence[Preset], runs: Sequence[Run], data: Collection[str] = ()) -> list[Row]:
    """Return one row for each preset and data set, and one without scores for a preset that has no run.

    data: names of data sets; without, all but the samples that the presets name themselves.
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
    """Return whether a whole run differs from a preset in nothing but its data and their division."""
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
    """Return for each kind of split that the data allow the values of params.yaml that make it."""
    found = {
        RANDOM: {"split.by": "image", "split.folds": "ignore"},
        HONEST: {"split.by": params.split.by, "split.folds": "ignore"},
        OFFICIAL: {"split.by": params.split.by, "split.folds": "respect"},
    }
    if params.dataset.layout in {known.layout for known in KNOWN if not known.folds}:
        del found[OFFICIAL]
    return found


def kind(run: Run) -> str:
    """Return how the data of a run were divided.

    A split by group is a random one where no group is known; copies of one source are found by `lookalike` without.
    """
    if run.params.get("split.folds") == "respect":
        return OFFICIAL
    by = run.params.get("split.by")
    known = by == "lookalike" or run.counts.get("test.groups", 0) > 0
    return HONEST if by != "image" and known else RANDOM


if __name__ == "__main__":
    console.run(main)
