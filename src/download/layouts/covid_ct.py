"""Two class folders and patients.csv (path, label, official_split, patient), as COVID-CT is published.

patients.csv says NonCOVID where the folder is called CT_NonCOVID; some of its patients have stray spaces.
"""

from dataclasses import replace

from src.core.errors import AssayError
from src.download.label_table import read_labels
from src.download.layouts import Known
from src.download.manifest import Entry
from src.download.scan import Listing

KNOWN = Known("COVID-CT", frozenset({"CT_COVID", "CT_NonCOVID"}), folds=True)
TABLE = "patients.csv"
COLUMNS = ("path", "label", "official_split", "patient")
FOLDER_PREFIX = "CT_"


def read(files: Listing) -> list[Entry]:
    """Read the label from the folder, patient and fold from patients.csv.

    Raises:
        AssayError: patients.csv is missing or lacks a column, or images and rows do not match one to one.
    """
    table = files.read(TABLE)
    if missing := [name for name in COLUMNS if name not in table.columns]:
        found = f"found {', '.join(table.columns) or 'nothing'} (no {', '.join(missing)})"
        raise AssayError(f"{table.where}: expected the columns {', '.join(COLUMNS)}, {found}")
    entries = {entry.path: entry for entry in read_labels(files, table).entries}
    if without := [image for image in files.images if image not in entries]:
        raise AssayError(
            f"{table.where}: expected a row for each image, found {len(without)} without one, such as {without[0]}"
        )
    for path, entry in entries.items():
        if not (entry.fold and entry.group):  # a column with other words is no column of folds, but extra
            found = dict(entry.extra).get("official_split") or "an empty cell"
            expected = "official_split train, val or test, and a patient"
            raise AssayError(f"{table.where}: {path}: expected {expected}, found {found}")
        if _plain(path.rpartition("/")[0]) != _plain(entry.label):
            raise AssayError(f"{table.where}: {path}: expected the label of its folder, found {entry.label!r}")
    files.notes.tables.add(TABLE)
    return [replace(entries[image], label=image.rpartition("/")[0]) for image in files.images]


def _plain(label: str) -> str:
    return label.removeprefix(FOLDER_PREFIX).lower()
