"""Two class folders and patients.csv (path, label, official_split, patient), as COVID-CT is published with.

patients.csv says NonCOVID where the folder is called CT_NonCOVID; some of its patients have stray spaces.
"""

from src.core.errors import AssayError
from src.download.manifest import Entry, fold_of
from src.download.scan import Listing

TABLE = "patients.csv"
COLUMNS = ("path", "label", "official_split", "patient")
FOLDER_PREFIX = "CT_"


def read(files: Listing) -> list[Entry]:
    """Read the label from the folder, patient and fold from patients.csv.

    Raises:
        AssayError: patients.csv is missing, lacks a column, and images and rows do not match one to one.
    """
    rows = files.table(TABLE, COLUMNS)
    listed = {row["path"].replace("\\", "/"): row for row in rows}
    where = f"{files.where}: {TABLE}"
    if len(listed) < len(rows):
        raise AssayError(f"{where}: expected each image once, found {len(rows) - len(listed)} paths more than once")
    _refuse(f"{where}: expected a row for each image", "without one", [p for p in files.images if p not in listed])
    _refuse(f"{where}: expected a file for each row", "missing", sorted(listed.keys() - set(files.images)))
    return [_entry(path, listed[path], where) for path in files.images]


def _entry(path: str, row: dict[str, str], where: str) -> Entry:
    folder = path.rpartition("/")[0]
    fold = fold_of(row["official_split"])
    if _plain(folder) != _plain(row["label"]):
        raise AssayError(f"{where}: {path}: expected the label of its folder, found {row['label']!r}")
    if fold is None:
        found = row["official_split"]
        raise AssayError(f"{where}: {path}: expected official_split train, val or test, found {found!r}")
    if not row["patient"]:
        raise AssayError(f"{where}: {path}: expected a patient, found an empty cell")
    return Entry(path, label=folder, group=row["patient"], fold=fold)


def _plain(label: str) -> str:
    return label.removeprefix(FOLDER_PREFIX).lower()


def _refuse(expected: str, found: str, paths: list[str]) -> None:
    if paths:
        raise AssayError(f"{expected}, found {len(paths)} {found}, such as {paths[0]}")
