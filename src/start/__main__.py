"""`python -m src.start SOURCE`: writes a params.yaml for images as they are, with the reason for each value.

It opens the source, reads the labels, looks at some pictures, decides (`plan.py`), and prints the plan. Edits of
params.yaml are never lost.
"""

import argparse
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from src import config, presets
from src.config import Dataset
from src.core import console, registry, yaml_file
from src.core.errors import AssayError
from src.core.paths import PARAMS
from src.download import layouts, manifest
from src.download.layouts import Known
from src.download.scan import Listing, Notes, scan
from src.download.sources import KAGGLE, URLS, open_source
from src.download.stage import list_left_out, read_entries
from src.start import pictures, plan
from src.start.plan import Decision, Reading

BUILD = Path("build")
WORK = ".start"
ANY = "folders"  # the layout for data that are not a known set
HEADERS = 2000  # of DICOM files that are read: 0.8 ms each
BASE = "covid_compact"  # the preset with the values that the data do not decide; its scores are left out
FOR_MODEL = {"efficientnet_lite0": "pneumonia_transfer"}  # the preset to use instead, by model
GUESS = "To correct a wrong guess, edit its line below."


def main() -> None:
    """Make the plan, print it, write params.yaml, and name the next command."""
    parser = argparse.ArgumentParser("python -m src.start", description="Write a params.yaml for images of your own.")
    parser.add_argument("source", metavar="SOURCE", help="a folder or an archive")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="as train.epochs=5")
    parser.add_argument("--yes", action="store_true", help="replace a params.yaml that has edits; a copy is kept")
    asked = parser.parse_args()
    run(asked.source, presets.given(asked.set), Path.cwd(), yes=asked.yes)
    console.say("next: make repro")


def run(source: str, changes: Mapping[str, Any], home: Path, *, yes: bool) -> None:
    """Look at a source and write params.yaml for it; `changes` are the values by dotted key that the user asks for.

    Raises:
        AssayError: the source cannot be opened or read, a change is not allowed, or edits would be lost.
    """
    decisions = look(source, changes, home)
    made = text(decisions, changes, source, home)
    console.say("\n".join(lines(decisions, changes, made)))
    copy = presets.replace(made, home, yes=yes)
    console.say(f"params.yaml: written, with this plan at its head{f'; the old one is {copy.name}' if copy else ''}")


def look(source: str, changes: Mapping[str, Any], home: Path) -> list[Decision]:
    """Open a folder or an archive, read its labels and some of its pictures, and decide.

    Raises:
        AssayError: the source is not on this machine, or cannot be opened or read.
    """
    if source.startswith((KAGGLE, *URLS)):
        place = f"kaggle.com/datasets/{source.removeprefix(KAGGLE)}" if source.startswith(KAGGLE) else "there"
        raise AssayError(
            f"{source}: only files on this machine can be looked at; get them from {place} and name the archive, or a "
            "preset for known data (make presets)"
        )
    params = presets.made(BASE, source, changes, home)[1]
    (home / BUILD).mkdir(exist_ok=True)  # a large archive may not fit into the system's temporary folder
    for left in (home / BUILD).glob(f"{WORK}*"):
        shutil.rmtree(left, ignore_errors=True)  # left by a run that was killed
    with tempfile.TemporaryDirectory(prefix=WORK, dir=home / BUILD) as folder:
        opened = open_source(params.dataset, Path(folder) / "unpacked", home)
        listing = scan(opened.folder, source, keep_masks=params.dataset.masks == "keep")
        found = read(listing, params.dataset, changes, home)
        left_out = list_left_out(opened, listing, found.entries)
        seen = pictures.look_at(found.entries, listing, params.preprocess.max_megapixels)
    return plan.make(source, found, seen, left_out, changes.get("model.name"))


def read(files: Listing, dataset: Dataset, asked: Collection[str], home: Path) -> Reading:
    """Read a source as asked, else with the layout of the known set whose names and classes it has, else as folders.

    `asked` are the keys of `dataset` that the user gave.

    Raises:
        AssayError: no layout can read it, or it holds fewer than two classes; the message says what is missing.
    """
    free = {"dataset.layout", "dataset.table"}.isdisjoint(asked)
    known = next((pair for pair in layouts.known().items() if _is(*pair, files)), None) if free else None
    layout = known[0] if known else dataset.layout if "dataset.layout" in asked else ANY
    entries = read_entries(dataset.model_copy(update={"layout": layout}), files, home, HEADERS)
    notes = files.notes
    try:
        manifest.check(entries, files.where)
    except AssayError as error:
        raise AssayError("; ".join([str(error), *notes.doubts])) from error
    groups = notes.groups or "by file names or tables that this layout knows"
    if known:
        says = f"{known[1].title}, by names and classes; `make presets` lists what is known"
        by = "group" if any(entry.group for entry in entries) else "lookalike"
        return Reading(layout, says, entries, groups, by)
    if not free:
        return Reading(layout, f"the table {dataset.table}" if dataset.table else "as asked", entries, groups)
    says, *doubts = (line.removeprefix(f"{files.where}: ") for line in (notes.says[0], *notes.doubts))
    return Reading(layout, says, entries, groups, question=doubts[0] if doubts else "")


def _is(layout: str, known: Known, files: Listing) -> bool:
    """Return whether the layout of a known set reads a source, and finds the classes of that set."""
    tried = replace(files, notes=Notes())  # so that its notes are not kept
    with suppress(AssayError):
        found = registry.load("download.layouts", layout).read(tried)
        return {entry.label for entry in found} == known.classes
    return False


def lines(decisions: Sequence[Decision], changes: Mapping[str, Any], made: str = "") -> list[str]:
    """Return a line for each decision, then the questions, each with the line of `made` to edit, if that is given."""
    told = [f"{decision.topic + ':':<12}{decision.says}" for decision in decisions]
    asked = " ".join(f"{key}={yaml_file.written(each)}" for key, each in changes.items())
    told += [f"{'as asked:':<12}{asked}"] if changes else []
    return told + [f"? {each.question}{_place(each.question, made)}" for each in decisions if each.question]


def _place(question: str, made: str) -> str:
    """Return in words which line of params.yaml holds the key that a question names."""
    for number, line in enumerate(made.splitlines(), start=1):
        if line.startswith("  ") and f".{line.partition(':')[0].strip()}" in question and "#" not in line:
            return f" ({PARAMS}, line {number})"
    return ""


def text(decisions: Sequence[Decision], changes: Mapping[str, Any], source: str, home: Path) -> str:
    """Return the whole params.yaml, with the decisions as comments at its head.

    Raises:
        AssayError: a change names an unknown key, or has a value that is not allowed.
    """
    values = {key: value for decision in decisions for key, value in decision.values.items()} | dict(changes)
    base = FOR_MODEL.get(values["model.name"], BASE)
    plain = presets.without_header(presets.read(base, home).text).strip("#\n ")
    body = presets.changed(f"# {plain}\n", values, PARAMS.name)
    head = [f"Plan of {config.source_name(source)}. {GUESS}", *lines(decisions, changes)]
    made = "".join(f"# {line}\n" for line in head) + f"#\n{body}"
    config.parse(yaml_file.parsed(made, PARAMS.name), PARAMS.name)
    return presets.signed(made, "python -m src.start")


if __name__ == "__main__":
    console.run(main)
