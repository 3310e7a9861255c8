"""From a source to its plan and to params.yaml: opens it, reads its labels, looks at pictures, and loses no edit."""

import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from src import config, presets
from src.config import Dataset
from src.core import console, registry, yaml_file
from src.core.errors import AssayError
from src.core.paths import PARAMS
from src.download import labels, manifest
from src.download.dicom_patients import add_patients
from src.download.layouts import folders
from src.download.scan import Listing, scan
from src.download.sources import KAGGLE, URLS, open_source
from src.download.stage import list_left_out, read_entries
from src.presets import catalog
from src.start import pictures, plan
from src.start.plan import Decision, Reading

BUILD = Path("build")
WORK = ".start"
ANY = "folders"  # the layout of whatever is no known set
HEADERS = 2000  # of DICOM files that are read: 0.8 ms each
BASE = "covid_compact"  # its values where the data do not ask for others; its scores are not told
FOR_MODEL = {"efficientnet_lite0": "pneumonia_transfer"}  # in its place
GUESS = "Wrong guesses are changed by editing one line below."


class Known(NamedTuple):
    """A public data set, by the layout that reads it; `folds`: whether it ships parts of its own."""

    layout: str
    title: str
    classes: frozenset[str]
    folds: bool


KNOWN = (
    Known("blood_cells", "Blood Cells", frozenset({"EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"}), folds=True),
    Known("chest_xray", "Chest X-Ray Images (Pneumonia)", frozenset({"NORMAL", "PNEUMONIA"}), folds=True),
    Known("covid_ct", "COVID-CT", frozenset({"CT_COVID", "CT_NonCOVID"}), folds=True),
    Known("malaria", "Malaria Cell Images", frozenset({"Parasitized", "Uninfected"}), folds=False),
)


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
        seen = pictures.look_at(found.entries, listing.files, params.preprocess.max_megapixels)
    if not seen.looks:
        raise AssayError(f"{source}: expected pictures, but none of {seen.unreadable} that were tried can be read")
    return plan.make(source, found, seen, left_out, changes.get("model.name"))


def read(files: Listing, dataset: Dataset, asked: Collection[str], home: Path) -> Reading:
    """Read a source as asked, else with the layout of the known set whose classes and names it has, else as any.

    `asked` are the keys of `dataset` that a person gave.

    Raises:
        AssayError: no layout can read it, or it holds less than two classes; the message says what is missing.
    """
    if {"dataset.layout", "dataset.table"}.isdisjoint(asked):
        found = _known(files) or _of_folders(files)
        merged = labels.merge(found.entries, dataset.merge, files.where) if dataset.merge else found.entries
        return replace(found, entries=merged)
    chosen = dataset if "dataset.layout" in asked else dataset.model_copy(update={"layout": ANY})
    entries, _ = read_entries(chosen, files, home)
    manifest.check(entries, files.where)
    says = f"the table {dataset.table}" if dataset.table else "as asked"
    return Reading(chosen.layout, says, entries, "as they were read")


def _known(files: Listing) -> Reading | None:
    for known in KNOWN:
        with suppress(AssayError):
            entries = registry.load("download.layouts", known.layout).read(files)
            if {entry.label for entry in entries} == known.classes:
                by = "group" if any(entry.group for entry in entries) else "lookalike"
                says = f"{known.title}, by names and classes; `make presets` lists what is known"
                return Reading(known.layout, says, entries, "by file names or tables that this layout knows", by)
        files.used.clear()  # by the layout that does not fit
    return None


def _of_folders(files: Listing) -> Reading:
    labelled, found = folders.read_found(files)
    try:
        manifest.check(labelled, files.where)
    except AssayError as error:
        raise AssayError("; ".join([str(error), *found.near])) from error
    entries = add_patients(labelled, files.files, HEADERS)
    read_of = sum(bool(entry.group) for entry in entries)
    among = f" (read of {read_of:,} of {len(entries):,} files)" if read_of < len(entries) else ""
    by = "by the table" if any(entry.group for entry in labelled) else f"by the DICOM files, hashed{among}"
    if found.labels:
        return Reading(ANY, found.labels.why.removeprefix(f"{files.where}: "), entries, by)
    question = f"{found.near[0].removeprefix(f'{files.where}: ')}; {folders.RENAME}" if found.near else ""
    return Reading(ANY, folders.arrangement(entries), entries, by, question=question)


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
    plain = catalog.without_header(catalog.read(base, home).text).strip("#\n ")
    body = catalog.changed(f"# {plain}\n", values, PARAMS.name)
    head = [f"Plan of {config.source_name(source)}. {GUESS}", *lines(decisions, changes)]
    made = "".join(f"# {line}\n" for line in head) + f"#\n{body}"
    config.parse(yaml_file.parsed(made, PARAMS.name), PARAMS.name)
    return catalog.signed(made, "python -m src.start")
