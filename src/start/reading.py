"""Which layout reads the labels of a source: that of a known public set, or class folders and tables."""

from contextlib import suppress
from dataclasses import dataclass

from src.core import registry
from src.core.errors import AssayError
from src.download import manifest
from src.download.manifest import Entry
from src.download.public_datasets import KNOWN, Known
from src.download.scan import Listing

ANY = "folders"  # the layout of whatever is no known set


@dataclass(frozen=True)
class Reading:
    """The images with their labels; how they were read and where their groups come from, in words."""

    layout: str
    says: str
    entries: list[Entry]
    groups: str = ""
    split_by: str = "group"


def read(files: Listing) -> Reading:
    """Read a source with the layout of a known set where classes and names are those of it, else as folders or table.

    Raises:
        AssayError: no layout can read it, or it holds less than two classes; the message says what is missing.
    """
    for known in KNOWN:
        with suppress(AssayError):
            entries = registry.load("download.layouts", known.layout).read(files)
            if {entry.label for entry in entries} == set(known.classes):
                return _of_known(known, entries)
    entries = registry.load("download.layouts", ANY).read(files)
    manifest.check(entries, files.where)
    return Reading(ANY, f"{ANY}: {_arrangement(files, entries)}", entries, "by the table")


def _of_known(known: Known, entries: list[Entry]) -> Reading:
    by = "group" if any(entry.group for entry in entries) else "lookalike"
    says = f"{known.layout}: {known.title.partition(':')[0]}, by names and classes; `make presets` lists what is known"
    return Reading(known.layout, says, entries, "by file names or tables that this layout knows", by)


def _arrangement(files: Listing, entries: list[Entry]) -> str:
    tops = sorted({entry.path.partition("/")[0] for entry in entries})
    return f"class folders in {', '.join(tops)}" if any(entry.fold for entry in entries) else "class folders"
