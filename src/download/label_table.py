"""Labels from a table as it is: which column names the images, which the classes, and which image a cell means.

`find_labels(files)` looks through the tables of a source; `read_labels(files, table)` reads one.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from src.core.errors import AssayError, shortened, suggestion
from src.download.manifest import COLUMNS, Entry, fold_of
from src.download.scan import Listing
from src.download.tables import SPREADSHEETS, SUFFIXES, Table, head_line

# In the order in which they are preferred; compared in lower case, with _ for spaces and the like.
PATH = (
    *("path", "image_path", "file_path", "filepath", "filename", "file_name", "file", "image_file", "image_id"),
    *("image_name", "image_index", "image", "img", "img_id", "id_code", "isic_id", "isic_image_id", "image_filename"),
    *("patientid", "id", "name"),
)
LABEL = (
    *("label", "labels", "class", "class_name", "class_label", "label_name", "dx", "diagnosis", "finding", "findings"),
    *(
        "finding_labels",
        "finding_label",
        "category",
        "level",
        "grade",
        "retinopathy_grade",
        "target",
        "benign_malignant",
    ),
)
GROUP = (
    *("group", "patient", "patient_id", "patientid", "patient_number", "subject", "subject_id", "person", "person_id"),
    *("participant", "participant_id", "case", "case_id", "lesion_id", "slide", "slide_id", "study", "study_id"),
)
FOLD = ("fold", "split", "official_split", "part", "partition", "set", "subset", "dataset")
SEVERAL = re.compile(r"[|;]")
BINARY = {"0", "1", "0.0", "1.0"}
MATCHED = 0.8  # share of the rows that a column of any name must lead to an image
MOST_EXTRA = 50  # columns: more are pixels or features, not facts
SUBMISSION = re.compile(r"sample_?submission", re.IGNORECASE)  # Kaggle's, with labels that mean nothing


class NoLabelsError(AssayError):
    """A table lacks what labels need: it may be about something else. `near`: it has a part of it."""

    def __init__(self, message: str, near: bool) -> None:
        super().__init__(message)
        self.near = near


@dataclass(frozen=True)
class Labels:
    """What a table says about the images, by which columns; `label` are several columns of 0 and 1, or one."""

    table: Table
    path: str
    label: tuple[str, ...]
    group: str
    fold: str
    extra: tuple[str, ...]
    entries: list[Entry]
    missing: tuple[str, ...] = ()  # cells of rows that no image belongs to

    @property
    def why(self) -> str:
        """Say which columns were taken for what."""
        label = self.label[0] if len(self.label) == 1 else f"columns of 0 and 1 ({', '.join(self.label)})"
        named = [f"images by {self.path}", f"labels by {label}"]
        named += [f"groups by {self.group}"] if self.group else []
        named += [f"folds by {self.fold}"] if self.fold else []
        named += [f"also kept: {', '.join(self.extra)}"] if self.extra else []
        lost = f"; {len(self.missing)} rows have no image, such as {self.missing[0]}" if self.missing else ""
        return f"{self.table.where}: {', '.join(named)}{lost}"


@dataclass(frozen=True)
class Found:
    """The labels of a source's tables, if any has some, and why each other table was not read as labels."""

    labels: Labels | None
    unrelated: tuple[str, ...] = ()
    near: tuple[str, ...] = ()  # the reasons of those that name images, or have a column for both but do not fit


def find_labels(files: Listing) -> Found:
    """Look for labels in the tables on top of the source, and in folders without images.

    Raises:
        AssayError: several tables have labels, or the rows of one do not fit; the message names table and line.
    """
    read: list[Labels] = []
    unread: dict[bool, list[str]] = {False: [], True: []}
    for name in label_files(files):
        try:
            read.append(read_labels(files, _opened(files, name)))
        except NoLabelsError as error:
            unread[error.near].append(str(error))
    return Found(_chosen(files, read) if read else None, tuple(unread[False]), tuple(unread[True]))


def _opened(files: Listing, name: str) -> Table:
    """Read a table; one that cannot be read is no table of labels, unless its first line says that it is."""
    try:
        return files.read(name)
    except AssayError as error:
        head = Table("", "", head_line(files.files[name]), ())
        if _named(head, PATH) and _named(head, LABEL):
            raise
        raise NoLabelsError(str(error), PurePosixPath(name).suffix.lower() in SPREADSHEETS) from error


def label_files(files: Listing) -> list[str]:
    """List the tables on top, and in folders that hold no image themselves."""
    folders = {image.rpartition("/")[0] for image in files.images} - {""}
    suffixes = SUFFIXES | SPREADSHEETS
    return sorted(
        name
        for name in files.files
        if PurePosixPath(name).suffix.lower() in suffixes
        and name.rpartition("/")[0] not in folders
        and not SUBMISSION.search(name)
    )


def _chosen(files: Listing, read: list[Labels]) -> Labels:
    """Choose the table that has all images of the others; tables of different images are one in parts."""
    sets = [frozenset(entry.path for entry in labels.entries) for labels in read]
    largest = max(range(len(read)), key=lambda place: len(sets[place]))
    if all(place == largest or sets[place] < sets[largest] for place in range(len(read))):
        return read[largest]
    if sum(map(len, sets)) == len(frozenset().union(*sets)) and len({labels.label for labels in read}) == 1:
        return _joined(read)
    tables = ", ".join(labels.table.where.removeprefix(f"{files.where}: ") for labels in read)
    raise AssayError(f"{files.where}: expected one table of labels, found {tables}; name the right one: dataset.table")


def _joined(read: Sequence[Labels]) -> Labels:
    """Join tables of different images; where their names say train and test, these are the folds."""
    folds = [_fold_in(labels.table.where) for labels in read]
    entries = [
        Entry(entry.path, entry.label, entry.group, entry.fold or (fold if all(folds) else ""), entry.extra)
        for labels, fold in zip(read, folds, strict=True)
        for entry in labels.entries
    ]
    first = read[0]
    where = ", ".join([first.table.where, *(labels.table.where.rpartition(": ")[2] for labels in read[1:])])
    table = Table(where, first.table.folder, first.table.columns, ())
    fold = first.fold or ("their names" if all(folds) else "")
    missing = tuple(cell for labels in read for cell in labels.missing)
    return Labels(table, first.path, first.label, first.group, fold, first.extra, entries, missing)


def _fold_in(name: str) -> str:
    words = re.findall(r"[a-z]+", PurePosixPath(name.rpartition(": ")[2]).stem.lower())
    return next((fold for word in words if (fold := fold_of(word))), "")


def read_labels(files: Listing, table: Table) -> Labels:
    """Read the labels of a table.

    Raises:
        NoLabelsError: no column names the images, or none the labels; the message lists the columns.
        AssayError: a row does not fit: no or several labels, an image twice; a `path` that leads to nothing.
    """
    index = Index(files.images, table.folder)
    path = _path_column(table, index)
    label = _label_columns(table, path)
    strict = path is not None and _plain(path) == "path"
    if path is None or not label:
        near = path is not None or bool(_named(table, PATH) and label)
        raise NoLabelsError(_lacking(files, table, path, label), near)
    folds = (name for name in _named(table, FOLD) if (strict and _plain(name) == "fold") or _is_fold(table, name))
    fold = next(folds, "")
    group = next((name for name in _named(table, GROUP) if name not in (path, *label)), "")
    used = [name for name in (path, *label, group, fold) if name]
    table.refuse_twice(used)
    extra = tuple(name for name, count in Counter(table.columns).items() if name and name not in used and count == 1)
    extra = extra if len(extra) <= MOST_EXTRA else ()
    table.refuse_encoding(text for name in used for text in (name, *table.column(name)))
    rows = _Rows(table, index, path, label, group, fold, extra, strict)
    entries = rows.read()
    if not entries:
        raise AssayError(f"{table.where}: expected a row for each image, found none")
    return Labels(table, path, label, group, fold, extra, entries, tuple(rows.missing))


class Index:
    """Finds the image that a cell means: by its path, or by its name with or without suffix, whatever the folder."""

    def __init__(self, images: Sequence[str], folder: str) -> None:
        self.images = frozenset(images)
        self._prefixes = (f"{folder}/", "") if folder else ("",)
        self._folders = {_parent(image) for image in images}
        self._names: dict[str, list[str]] = defaultdict(list)
        for image in images:
            name = image.rpartition("/")[2]
            for key in {name, PurePosixPath(name).stem}:
                self._names[key].append(image)

    def exact(self, cell: str) -> str | None:
        """Return the image at a path, relative to the folder of the table or to the source."""
        path = unicodedata.normalize("NFC", cell.replace("\\", "/")).removeprefix("./")
        return next((prefix + path for prefix in self._prefixes if prefix + path in self.images), None)

    def find(self, cell: str) -> list[str]:
        """Return the images that a cell may mean: one, if it is clear."""
        if exact := self.exact(cell):
            return [exact]
        path = unicodedata.normalize("NFC", cell.replace("\\", "/"))
        found, folder = self._names.get(path.rpartition("/")[2], []), _parent(path)
        # A folder that the source does not have is that of another machine.
        return [image for image in found if folder == _parent(image)] if folder in self._folders and folder else found


def _parent(path: str) -> str:
    return PurePosixPath(path).parent.name


@dataclass
class _Rows:
    table: Table
    index: Index
    path: str
    label: tuple[str, ...]
    group: str
    fold: str
    extra: tuple[str, ...]
    strict: bool  # a column `path` means a path, and each row of its table an image

    def read(self) -> list[Entry]:
        """Read an entry of each row that has an image; the others are listed in `missing`."""
        self.missing: list[str] = []
        wanted = {self.path, *self.label, self.group, self.fold, *self.extra} - {""}
        places = {name: self.table.columns.index(name) for name in wanted}
        taken: dict[str, tuple[int, Entry]] = {}
        for line, cells in self.table.rows:
            row = {name: cells[place] for name, place in places.items()}
            where = f"{self.table.where}, line {line}"
            path = self._image(row[self.path], where)
            if path is None:
                self.missing.append(row[self.path])
                continue
            entry = self._entry(path, row, where)
            if path in taken and (self.strict or taken[path][1].label != entry.label):
                raise AssayError(f"{where}: expected each image once, found {path} in line {taken[path][0]} too")
            taken.setdefault(path, (line, entry))
        return [entry for _, entry in taken.values()]

    def _image(self, cell: str, where: str) -> str | None:
        if self.strict:
            if path := self.index.exact(cell):
                return path
            raise AssayError(
                f"{where}: expected the path of an image, relative to the CSV, found no image at {cell!r}"
                f"{suggestion(cell, self.index.images)}"
            )
        found = self.index.find(cell) if cell else []
        if len(found) > 1:
            raise AssayError(f"{where}: expected the name of one image, {cell!r} may be {found[0]} or {found[1]}")
        return found[0] if found else None

    def _entry(self, path: str, row: dict[str, str], where: str) -> Entry:
        label = self._label(path, row, where)
        fold = fold_of(row[self.fold]) if self.fold and row[self.fold] else ""
        if fold is None:
            raise AssayError(f"{where}: {path}: expected the fold train, val, test or none, found {row[self.fold]!r}")
        extra = tuple((f"table_{name}" if _plain(name) in COLUMNS else name, row[name]) for name in self.extra)
        return Entry(path, label, row[self.group] if self.group else "", fold, extra)

    def _label(self, path: str, row: dict[str, str], where: str) -> str:
        if len(self.label) > 1:
            chosen = [name for name in self.label if row[name] in {"1", "1.0"}]
            if len(chosen) != 1:
                found = f"{len(chosen)} ({', '.join(chosen)})" if chosen else "none"
                raise AssayError(f"{where}: {path}: expected one class among {', '.join(self.label)}, found {found}")
            return chosen[0]
        label = row[self.label[0]]
        if not label:
            raise AssayError(f"{where}: {path}: expected a label, found an empty cell")
        if SEVERAL.search(label):
            several = [cell for cell in self.table.column(self.label[0]) if SEVERAL.search(cell)]
            raise AssayError(
                f"{where}: {path}: expected one label, found several, {label!r}, as in {len(several)} rows; a model "
                "here tells classes apart of which each image has one: make a table with one finding, or yes and no"
            )
        return label


def _path_column(table: Table, index: Index) -> str | None:
    """Choose the column whose cells lead to the most images; one of no usual name must do so in most rows."""
    named = _named(table, PATH)
    counts = {name: sum(bool(cell and index.find(cell)) for cell in table.column(name)) for name in named}
    for name in named:
        if _plain(name) == "path" or (counts[name] and counts[name] == max(counts.values())):
            return name
    return next((name for name in table.columns if name and _names_images(table.column(name), index)), None)


def _names_images(cells: Sequence[str], index: Index) -> bool:
    """Return whether cells of any meaning are different images: most of them, each clearly one."""
    different = len(set(cells)) == len(cells) > 0
    return different and sum(len(index.find(cell)) == 1 for cell in cells) >= MATCHED * len(cells)


def _label_columns(table: Table, path: str | None) -> tuple[str, ...]:
    """Choose the column of the labels, or else those that hold 0 and 1 alone."""
    for name in _named(table, LABEL):
        if name != path and (any(table.column(name)) or not table.rows):
            return (name,)
    binary = tuple(
        name
        for name in table.columns
        if name and name != path and _plain(name) not in (*GROUP, *FOLD) and (cells := set(table.column(name)))
        and cells <= BINARY
    )  # fmt: skip
    return binary if len(binary) > 1 and _is_one_hot(table, binary) else ()


def _is_one_hot(table: Table, names: Sequence[str]) -> bool:
    """Return whether as a rule one of the columns is 1."""
    places = [table.columns.index(name) for name in names]
    ones = [sum(cells[place] in {"1", "1.0"} for place in places) for _, cells in table.rows]
    return sum(count == 1 for count in ones) > len(ones) / 2


def _is_fold(table: Table, name: str) -> bool:
    words = set(table.column(name)) - {""}
    return bool(words) and all(fold_of(word) for word in words)


def _named(table: Table, names: Iterable[str]) -> list[str]:
    """List the columns of these names, in their order."""

    def spelled() -> Iterator[str]:
        for wanted in names:
            yield from (column for column in table.columns if _plain(column) == wanted)

    return list(dict.fromkeys(spelled()))


def _plain(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", name.strip().lower())


def _lacking(files: Listing, table: Table, path: str | None, label: tuple[str, ...]) -> str:
    columns = ", ".join(shortened(name) or "(no name)" for name in table.columns[:12]) or "none"
    lacks = []
    if path is None and (named := _named(table, PATH)):
        cell = next(iter(table.column(named[0])), "")
        lacks.append(f"{named[0]} names none of the images ({cell!r}; an image is {files.images[0]})")
    elif path is None:
        lacks.append("no column names the images (path, filename, image_id, ...)")
    if not label:
        lacks.append("no column names the class (label, diagnosis, dx, ..., or a column of 0 and 1 for each)")
    return f"{table.where}: not read as labels, its columns are {columns}: {'; '.join(lacks)}"
