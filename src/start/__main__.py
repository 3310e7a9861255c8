"""`python -m src.start SOURCE`: from images as they are to a params.yaml for them, with the reason of each value.

It opens the source, reads its labels, looks at pictures, decides (`plan.py`), tells the plan, and loses no edit.
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
ANY = "folders"  # the layout of whatever is no known set
HEADERS = 2000  # of DICOM files that are read: 0.8 ms each
BASE = "covid_compact"  # its values where the data do not ask for others; its scores are not told
FOR_MODEL = {"efficientnet_lite0": "pneumonia_transfer"}  # in its place
GUESS = "Wrong guesses are changed by editing one line below."


def main() -> None:
    """Plan, tell the plan, write params.yaml, and name the next command."""
    parser = argparse.ArgumentParser("python -m src.start", description="Write a params.yaml for images of your own.")
    parser.add_argument("source", metavar="SOURCE", help="a folder or an archive")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="as train.epochs=5")
    parser.add_argument("--yes", action="store_true", help="replace a params.yaml with edits; a copy is kept")
    asked = parser.parse_args()
    run(asked.source, presets.given(asked.set), Path.cwd(), yes=asked.yes)
    console.say("next: make repro")


def run(source: str, changes: Mapping[str, Any], home: Path, *, yes: bool) -> None:
    """Look at a source and write params.yaml for it; `changes` are values by dotted key that a person asks for.

    Raises:
        AssayError: the source cannot be looked at or read, a change is not allowed, or edits would be lost.
    """
    decisions = look(source, changes, home)
    made = text(decisions, changes, source, home)
    console.say("\n".join(lines(decisions, changes, made)))
    copy = presets.replace(made, home, yes=yes)
    console.say(f"params.yaml: written, the same at its head{f'; the one before is {copy.name}' if copy else ''}")


def look(source: str, changes: Mapping[str, Any], home: Path) -> list[Decision]:
    """Open a folder or an archive, read its labels and some of its pictures, and decide.

    Raises:
        AssayError: it is not on this machine, or cannot be opened or read.
    """
    if source.startswith((KAGGLE, *URLS)):
        place = f"kaggle.com/datasets/{source.removeprefix(KAGGLE)}" if source.startswith(KAGGLE) else "there"
        raise AssayError(
            f"{source}: only files that are here can be looked at; get them from {place} and name the archive, or a "
            "preset for known data (make presets)"
        )
    params = presets.made(BASE, source, changes, home)[1]
    (home / BUILD).mkdir(exist_ok=True)  # where a large archive finds room, as among the system's it may not
    for left in (home / BUILD).glob(f"{WORK}*"):
        shutil.rmtree(left, ignore_errors=True)  # by a run that was killed
    with tempfile.TemporaryDirectory(prefix=WORK, dir=home / BUILD) as folder:
        opened = open_source(params.dataset, Path(folder) / "unpacked", home)
        listing = scan(opened.folder, source, keep_masks=params.dataset.masks == "keep")
        found = read(listing, params.dataset, changes, home)
        left_out = list_left_out(opened, listing, found.entries)
        seen = pictures.look_at(found.entries, listing, params.preprocess.max_megapixels)
    return plan.make(source, found, seen, left_out, changes.get("model.name"))


def read(files: Listing, dataset: Dataset, asked: Collection[str], home: Path) -> Reading:
    """Read a source as asked, else with the layout of the known set whose classes and names it has, else as any.

    `asked` are the keys of `dataset` that a person gave.

    Raises:
        AssayError: no layout can read it, or it holds less than two classes; the message says what is missing.
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
    tried = replace(files, notes=Notes())  # so that what it says is not kept
    with suppress(AssayError):
        found = registry.load("download.layouts", layout).read(tried)
        return {entry.label for entry in found} == known.classes
    return False


def lines(decisions: Sequence[Decision], changes: Mapping[str, Any], made: str = "") -> list[str]:
    """Write a line for each decision, then the questions, each with the line of `made` to edit, if that is given."""
    told = [f"{decision.topic + ':':<12}{decision.says}" for decision in decisions]
    asked = " ".join(f"{key}={yaml_file.written(each)}" for key, each in changes.items())
    told += [f"{'as asked:':<12}{asked}"] if changes else []
    return told + [f"? {each.question}{_place(each.question, made)}" for each in decisions if each.question]


def _place(question: str, made: str) -> str:
    """Name the line of params.yaml that holds the key at which a question points."""
    for number, line in enumerate(made.splitlines(), start=1):
        if line.startswith("  ") and f".{line.partition(':')[0].strip()}" in question and "#" not in line:
            return f" ({PARAMS}, line {number})"
    return ""


def text(decisions: Sequence[Decision], changes: Mapping[str, Any], source: str, home: Path) -> str:
    """Make the whole params.yaml, with the decisions as comments at its head.

    Raises:
        AssayError: a change names no key, or has a value that is not allowed.
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
