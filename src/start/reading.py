"""Which layout reads the labels of a source: that of a known public set, or class folders and tables."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from src.config import Dataset
from src.core import registry
from src.core.errors import AssayError
from src.download import labels, manifest
from src.download.dicom_patients import add_patients
from src.download.layouts import folders
from src.download.manifest import Entry
from src.download.public_datasets import KNOWN, Known
from src.download.scan import Listing
from src.download.stage import read_entries

ANY = "folders"  # the layout of whatever is no known set
HEADERS = 2000  # of DICOM files that are read: 0.8 ms each


@dataclass(frozen=True)
class Reading:
    """The images with their labels; how they were read and where their groups come from, in words."""

    layout: str
    says: str
    entries: list[Entry]
    groups: str = ""
    split_by: str = "group"
    question: str = ""


def read(files: Listing, dataset: Dataset, asked: Collection[str], home: Path) -> Reading:
    """Read a source as asked, else with the layout of the known set whose classes and names it has, else as any.

    `asked` are the keys of `dataset` that a person gave.

    Raises:
        AssayError: no layout can read it, or it holds less than two classes; the message says what is missing.
    """
    if {"dataset.layout", "dataset.table"}.intersection(asked):
        return _as_asked(files, dataset, "dataset.layout" in asked, home)
    found = _found(files)
    merged = labels.merge(found.entries, dataset.merge, files.where) if dataset.merge else found.entries
    return replace(found, entries=merged)


def _as_asked(files: Listing, dataset: Dataset, layout: bool, home: Path) -> Reading:
    chosen = dataset if layout else dataset.model_copy(update={"layout": ANY})
    entries, _ = read_entries(chosen, files, home)
    manifest.check(entries, files.where)
    says = f"the table {dataset.table}" if dataset.table else "as asked"
    return Reading(chosen.layout, says, entries, "as they were read")


def _found(files: Listing) -> Reading:
    for known in KNOWN:
        with suppress(AssayError):
            entries = registry.load("download.layouts", known.layout).read(files)
            if {entry.label for entry in entries} == known.classes:
                return _of_known(known, entries)
        files.used.clear()  # by the layout that does not fit
    return _of_folders(files)


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


def _of_known(known: Known, entries: list[Entry]) -> Reading:
    by = "group" if any(entry.group for entry in entries) else "lookalike"
    says = f"{known.title}, by names and classes; `make presets` lists what is known"
    return Reading(known.layout, says, entries, "by file names or tables that this layout knows", by)
