"""Which layout reads the labels of a source: that of a known public set, or class folders and tables."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from src.core import registry
from src.core.errors import AssayError
from src.download import manifest
from src.download.manifest import Entry
from src.download.public_datasets import KNOWN, Known
from src.download.scan import Listing

ANY = "folders"  # the layout of whatever is no known set
IMAGE_COLUMNS = frozenset(
    ("path", "file", "filename", "file_name", "image", "image_id", "image_name", "image_index", "id", "id_code")
)
SHOWN = 8  # columns or classes in a message


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
    tables = label_tables(files)
    try:
        entries = registry.load("download.layouts", ANY).read(files)
        manifest.check(entries, files.where)
    except AssayError as error:
        raise AssayError(f"{error}{_asked(tables)}") from error
    unread = {name: head for name, head in tables.items() if not _is_used(files, name, head, entries)}
    if unread and len(unread) == len(tables):
        found = f"{_counted(entries)} and a table of other labels"
        raise AssayError(f"{files.where}: expected class folders, found {found}{_asked(unread)}")
    return Reading(ANY, f"{ANY}: {_arrangement(files, entries)}", entries, "by the table")


def label_tables(files: Listing) -> dict[str, list[str]]:
    """Find the tables on top, by name, whose columns seem to be images and their labels, and give their columns."""
    found = {}
    for name in sorted(name for name in files.files if "/" not in name and name.lower().endswith((".csv", ".tsv"))):
        with suppress(AssayError):
            head = files.head(name)
            words = {column.lower().replace(" ", "_") for column in head}
            if words & IMAGE_COLUMNS and len(head) > 1:
                found[name] = head
    return found


def _is_used(files: Listing, table: str, head: list[str], entries: list[Entry]) -> bool:
    """Tell whether the labels are those of a table: the cells of a column, or columns of 0 and 1."""
    labels = {entry.label for entry in entries}
    columns = [{row[column] for row in files.table(table, (column,))} for column in dict.fromkeys(head)]
    return labels <= set(head) or any(labels <= cells for cells in columns)


def _asked(tables: dict[str, list[str]]) -> str:
    shown = "; ".join(f"{name} ({', '.join(head[:SHOWN])})" for name, head in tables.items())
    return f". Are the labels in {shown}? Then make a CSV of the columns path and label on top" if tables else ""


def _counted(entries: list[Entry]) -> str:
    counts = Counter(entry.label for entry in entries)
    return ", ".join(f"{label} {count}" for label, count in sorted(counts.items())[:SHOWN])


def _of_known(known: Known, entries: list[Entry]) -> Reading:
    by = "group" if any(entry.group for entry in entries) else "lookalike"
    says = f"{known.layout}: {known.title.partition(':')[0]}, by names and classes; `make presets` lists what is known"
    return Reading(known.layout, says, entries, "by file names or tables that this layout knows", by)


def _arrangement(files: Listing, entries: list[Entry]) -> str:
    tops = sorted({entry.path.partition("/")[0] for entry in entries})
    return f"class folders in {', '.join(tops)}" if any(entry.fold for entry in entries) else "class folders"
