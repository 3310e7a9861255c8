"""Labels from a table as it was found: which column names the images, which the classes, which image a cell means.

`find_labels(files)` looks through the tables of a source; `read_labels(files, table)` reads one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from src.core.errors import AssayError, shortened
from src.download.manifest import COLUMNS, Entry, fold_of
from src.download.scan import Listing, Notes
from src.download.tables import SPREADSHEETS, SUFFIXES, Index, Table, head_line

# Usual column names, in order of preference; compared in lower case, with _ for spaces, dots and hyphens.
USUAL = {
    "path": """path image_path file_path filepath filename file_name file image_file image_id image_name image_index
    image img img_id id_code isic_id isic_image_id image_filename patientid id name""",
    "label": """label labels class class_name class_label label_name dx diagnosis finding findings finding_labels
    finding_label category level grade retinopathy_grade target benign_malignant""",
    "group": """group patient patient_id patientid patient_number subject subject_id person person_id participant
    participant_id case case_id lesion_id slide slide_id study study_id""",
    "fold": "fold split official_split part partition set subset dataset",
}
SEVERAL = re.compile(r"[|;]")
YES, BINARY = {"1", "1.0"}, {"0", "1", "0.0", "1.0"}
MATCHED = 0.8  # share of its cells that must name an image, in a column without a usual name
MOST_EXTRA = 50  # columns: more are pixels or features, not facts
SUBMISSION = re.compile(r"sample_?submission", re.IGNORECASE)  # Kaggle's templates, whose labels mean nothing


class NoLabelsError(AssayError):
    """A table lacks the columns of labels, so it may be about something else. `near`: it has some of them."""

    def __init__(self, message: str, near: bool) -> None:
        super().__init__(message)
        self.near = near


@dataclass(frozen=True)
class Columns:
    """What the columns of a table stand for; `label` is one column, or several of 0 and 1; "" is no column."""

    path: str
    label: tuple[str, ...]
    group: str = ""
    fold: str = ""
    extra: tuple[str, ...] = ()

    @property
    def strict(self) -> bool:
        """Whether each cell must be a path and each row an image, which a column called `path` promises."""
        return _plain(self.path) == "path"


@dataclass(frozen=True)
class Labels:
    """What a table says about the images, and in which columns; `missing`: the cells of rows without an image."""

    where: str
    columns: Columns
    entries: list[Entry]
    missing: tuple[str, ...] = ()

    def take(self, notes: Notes, names: Iterable[str]) -> list[Entry]:
        """Return the entries, and note the tables (of these names) and columns that they were taken from."""
        chosen = self.columns
        label = chosen.label[0] if len(chosen.label) == 1 else f"columns of 0 and 1 ({', '.join(chosen.label)})"
        said = [f"images by {chosen.path}", f"labels by {label}"]
        said += [f"groups by {chosen.group}"] if chosen.group else []
        said += [f"folds by {chosen.fold}"] if chosen.fold else []
        said += [f"also kept: {', '.join(chosen.extra)}"] if chosen.extra else []
        lost = f"; {len(self.missing)} rows have no image, such as {self.missing[0]}" if self.missing else ""
        notes.says.append(f"{self.where}: {', '.join(said)}{lost}")
        notes.groups = "by the table"
        notes.tables.update(names)
        return self.entries


def find_labels(files: Listing) -> tuple[list[Entry] | None, list[NoLabelsError]]:
    """Look for labels in the tables at the top of the source, and in folders without images.

    Returns the entries (None if no table has labels), noted as taken, and why other tables were not read as labels.

    Raises:
        AssayError: several tables have labels, or the rows of one do not fit; the message names table and line.
    """
    read: dict[str, Labels] = {}
    unread: list[NoLabelsError] = []
    for name in label_files(files):
        try:
            read[name] = read_labels(files, _opened(files, name))
        except NoLabelsError as error:
            unread.append(error)
    if not read:
        return None, unread
    chosen = _chosen(files.where, read)
    return _joined(chosen).take(files.notes, chosen), unread


def label_files(files: Listing) -> list[str]:
    """List the tables at the top of the source, and in folders that hold no images themselves."""
    folders = {image.rpartition("/")[0] for image in files.images} - {""}
    tables = (name for name in files.files if PurePosixPath(name).suffix.lower() in SUFFIXES | SPREADSHEETS)
    return sorted(name for name in tables if name.rpartition("/")[0] not in folders and not SUBMISSION.search(name))


def _opened(files: Listing, name: str) -> Table:
    """Read a table; if that fails, it counts as a table without labels, unless its first line names path and label."""
    try:
        return files.read(name)
    except AssayError as error:
        head = head_line(files.files[name])
        if _named(head, "path") and _named(head, "label"):
            raise
        raise NoLabelsError(str(error), PurePosixPath(name).suffix.lower() in SPREADSHEETS) from error


def _chosen(where: str, read: Mapping[str, Labels]) -> Mapping[str, Labels]:
    """Choose the table that has all images of the others, or all tables if no two of them share an image."""
    images = {name: {entry.path for entry in labels.entries} for name, labels in read.items()}
    largest = max(images, key=lambda name: len(images[name]))
    if all(name == largest or found < images[largest] for name, found in images.items()):
        return {largest: read[largest]}
    apart = sum(map(len, images.values())) == len(set().union(*images.values()))
    if apart and len({labels.columns.label for labels in read.values()}) == 1:
        return read
    tables = f"{', '.join(read)}; name the right one: dataset.table"
    raise AssayError(f"{where}: expected one table of labels, found {tables}")


def _joined(tables: Mapping[str, Labels]) -> Labels:
    """Join tables of different images; if all their names contain words such as train or test, these are the folds."""
    first, *others = tables.values()
    if not others:
        return first
    words = (re.findall(r"[a-z]+", PurePosixPath(name).stem.lower()) for name in tables)
    folds = [next(filter(None, map(fold_of, found)), "") for found in words]
    named = all(folds)
    entries = [
        replace(entry, fold=entry.fold or fold) if named else entry
        for labels, fold in zip(tables.values(), folds, strict=True)
        for entry in labels.entries
    ]
    columns = replace(first.columns, fold=first.columns.fold or ("their names" if named else ""))
    missing = tuple(cell for labels in tables.values() for cell in labels.missing)
    return Labels(", ".join([first.where, *list(tables)[1:]]), columns, entries, missing)


def read_labels(files: Listing, table: Table) -> Labels:
    """Read the labels of a table.

    Raises:
        NoLabelsError: no column names the images, or none the labels; the message lists the columns.
        AssayError: a row has no label or several, repeats an image, or has a `path` that leads to nothing.
    """
    index = Index(files.images, table.folder)
    chosen = _columns(table, index)
    table.check(filter(None, (chosen.path, *chosen.label, chosen.group, chosen.fold)))
    missing: list[str] = []
    taken: dict[str, tuple[int, Entry]] = {}
    for line, row in table.rows:
        where = f"{table.where}, line {line}"
        path = index.image(row[chosen.path], chosen.strict, where)
        if path is None:
            missing.append(row[chosen.path])
            continue
        entry = _entry(path, row, chosen, table, f"{where}: {path}")
        before, first = taken.setdefault(path, (line, entry))
        if before != line and (chosen.strict or first.label != entry.label):
            raise AssayError(f"{where}: expected each image once, found {path} in line {before} too")
    if not taken:
        raise AssayError(f"{table.where}: expected a row for each image, found none")
    return Labels(table.where, chosen, [entry for _, entry in taken.values()], tuple(missing))


def _entry(path: str, row: Mapping[str, str], chosen: Columns, table: Table, where: str) -> Entry:
    fold = fold_of(row[chosen.fold]) if chosen.fold and row[chosen.fold] else ""
    if fold is None:
        raise AssayError(f"{where}: expected the fold train, val, test or none, found {row[chosen.fold]!r}")
    extra = tuple((f"table_{name}" if _plain(name) in COLUMNS else name, row[name]) for name in chosen.extra)
    group = row[chosen.group] if chosen.group else ""
    return Entry(path, _label(row, chosen.label, table, where), group, fold, extra)


def _label(row: Mapping[str, str], columns: Sequence[str], table: Table, where: str) -> str:
    if len(columns) > 1:
        classes = [name for name in columns if row[name] in YES]
        if len(classes) != 1:
            found = f"{len(classes)} ({', '.join(classes)})" if classes else "none"
            raise AssayError(f"{where}: expected one class among {', '.join(columns)}, found {found}")
        return classes[0]
    label = row[columns[0]]
    if not label:
        raise AssayError(f"{where}: expected a label, found an empty cell")
    if SEVERAL.search(label):
        several = sum(bool(SEVERAL.search(cell)) for cell in table.column(columns[0]))
        raise AssayError(
            f"{where}: expected one label, found several, {label!r}, as in {several} rows; the models here need "
            "exactly one class per image: make a table with one finding, or yes and no"
        )
    return label


def _columns(table: Table, index: Index) -> Columns:
    """Choose the columns by their names and their contents.

    Raises:
        NoLabelsError: no column names the images, or none the labels.
    """
    named = _named(table.columns, "path")
    path = _path_column(table, named, index)
    label = _label_columns(table, path)
    if path is None or not label:
        columns = ", ".join(shortened(name) or "(no name)" for name in table.columns[:12]) or "none"
        lacks = []
        if path is None and named:
            cell = next(iter(table.column(named[0])), "")
            lacks.append(f"{named[0]} names none of the images ({cell!r}; an image is {index.example})")
        elif path is None:
            lacks.append("no column names the images (path, filename, image_id, ...)")
        if not label:
            lacks.append("no column names the class (label, diagnosis, dx, ..., or a column of 0 and 1 for each)")
        raise NoLabelsError(
            f"{table.where}: not read as labels, its columns are {columns}: {'; '.join(lacks)}",
            near=path is not None or bool(named and label),
        )
    group = next((name for name in _named(table.columns, "group") if name not in (path, *label)), "")
    fold = next((name for name in _named(table.columns, "fold") if _is_fold(table, name, path)), "")
    counts = Counter(table.columns)
    extra = tuple(name for name in counts if counts[name] == 1 and name not in ("", path, *label, group, fold))
    return Columns(path, label, group, fold, extra if len(extra) <= MOST_EXTRA else ())


def _path_column(table: Table, named: Sequence[str], index: Index) -> str | None:
    """Choose the usually named column whose cells name the most images, or else one that names them in most rows."""
    counts = {name: sum(bool(index.find(cell)) for cell in table.column(name)) for name in named}
    for name in named:
        if _plain(name) == "path" or (counts[name] and counts[name] == max(counts.values())):
            return name
    return next((name for name in table.columns if name and _names_images(table.column(name), index)), None)


def _names_images(cells: Sequence[str], index: Index) -> bool:
    """Return whether all cells differ, and most of them name exactly one image."""
    different = len(set(cells)) == len(cells) > 0
    return different and sum(len(index.find(cell)) == 1 for cell in cells) >= MATCHED * len(cells)


def _label_columns(table: Table, path: str | None) -> tuple[str, ...]:
    """Choose the column of the labels, or else the columns of only 0 and 1, if exactly one is 1 in most rows."""
    for name in _named(table.columns, "label"):
        if name != path and (any(table.column(name)) or not table.rows):
            return (name,)
    others = [name for name in table.columns if name not in ("", path) and not _named([name], "group", "fold")]
    binary = tuple(name for name in others if (cells := set(table.column(name))) and cells <= BINARY)
    single = sum(sum(row[name] in YES for name in binary) == 1 for _, row in table.rows)
    return binary if len(binary) > 1 and single > len(table.rows) / 2 else ()


def _is_fold(table: Table, name: str, path: str) -> bool:
    words = set(table.column(name)) - {""}
    return (_plain(path) == "path" and _plain(name) == "fold") or (bool(words) and all(map(fold_of, words)))


def _named(columns: Iterable[str], *roles: str) -> list[str]:
    """List the columns with a usual name for these roles, in order of preference."""
    names = [name for role in roles for name in USUAL[role].split()]
    found = [column for column in dict.fromkeys(columns) if _plain(column) in names]
    return sorted(found, key=lambda column: names.index(_plain(column)))


def _plain(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", name.strip().lower())
