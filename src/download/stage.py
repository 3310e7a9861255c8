"""The download stage: from any source to a folder of images with a manifest."""

import logging
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from src.config import Dataset
from src.core import registry
from src.core.errors import AssayError, suggestion
from src.core.files import NO_ROOM, replacing, write_csv
from src.core.paths import TABLES, Raw
from src.download import file_types, manifest
from src.download.dicom_patients import add_patients
from src.download.file_types import NO_IMAGE, LeftOut
from src.download.label_table import label_files, read_labels
from src.download.manifest import Entry
from src.download.scan import Listing, Notes, scan
from src.download.sources import Source, open_source
from src.download.tables import read_table

log = logging.getLogger(__name__)

STAGING = ".unpacked"
QUIET = {"junk", "copy", "mask"}  # kinds that no class misses


def run(dataset: Dataset, raw: Raw, home: Path) -> None:
    """Write the images of a source and three tables about them into the raw folder; write nothing after an error.

    Relative paths are looked up in the current directory, then in `home`, the person's repository.

    Raises:
        AssayError: the source cannot be opened, or is not what dataset.layout expects.
    """
    # Inside too: otherwise `replacing` would report an unreadable source as an unwritable raw folder.
    with _explained(raw.folder), replacing(raw.folder) as folder, _explained(raw.folder):
        folder.mkdir()
        source = open_source(dataset, folder / STAGING, home)
        _refuse_overlap(source, raw.folder)
        listing = scan(source.folder, dataset.source, keep_masks=dataset.masks == "keep")
        found = read_entries(dataset, listing, home)
        tell(listing.notes)
        reserved = [path.name for path in (raw.manifest, raw.counts, raw.left_out)]
        manifest.check(found, dataset.source, dataset.positive, reserved)
        left_out = list_left_out(source, listing, found)
        place(found, listing, folder, ours=source.ours, home=home)
        shutil.rmtree(folder / STAGING, ignore_errors=True)
        manifest.write(found, folder / raw.manifest.name)
        listed = manifest.merge_counts(listing.notes.listed, dataset.merge)
        manifest.write_counts(found, listed, folder / raw.counts.name)
        write_csv(folder / raw.left_out.name, LeftOut._fields, left_out)
    log.info("%s: %s", dataset.source, manifest.summary(found))
    _report(left_out)


def read_entries(dataset: Dataset, listing: Listing, home: Path, most_headers: int = sys.maxsize) -> list[Entry]:
    """Read the labels as params.yaml says, and the patients from the headers of at most `most_headers` DICOM files.

    Raises:
        AssayError: the layout or the table does not fit the source.
    """
    layout = registry.load("download.layouts", dataset.layout)
    found: list[Entry] = _from_table(dataset.table, listing, home) if dataset.table else layout.read(listing)
    if found and dataset.group_pattern is not None:
        found = manifest.regroup(found, dataset.group_pattern, dataset.source)
        listing.notes.groups = "by dataset.group_pattern"
    found = add_patients(found, listing, most_headers)
    return manifest.merge(found, dataset.merge, dataset.source) if found and dataset.merge else found


def _from_table(name: str, listing: Listing, home: Path) -> list[Entry]:
    """Read the table that dataset.table names: in the source, or in tables/, which the stage depends on."""
    if name in listing.files:
        table = listing.read(name)
    elif (path := home / name).is_file() and path.resolve().is_relative_to((home / TABLES).resolve()):
        table = replace(read_table(path, name, ""), folder="")
    else:
        known = [*label_files(listing), *(f"{TABLES}/{path.name}" for path in sorted((home / TABLES).glob("*.?sv")))]
        outside = f"; copy it to {TABLES}/{path.name}, where DVC sees its changes" if path.is_file() else ""
        places = f"in {listing.where} or in {TABLES}/ ({', '.join(known) or 'none there'})"
        raise AssayError(f"dataset.table: expected a table {places}, found {name!r}{suggestion(name, known)}{outside}")
    return read_labels(listing, table).take(listing.notes, [name])


def tell(notes: Notes) -> None:
    """Log how the labels were read, and warn about tables that may have been meant."""
    for line in notes.says:
        log.info("%s", line)
    for line in notes.doubts:
        log.warning("warning: the folders are taken as classes; %s", line)


@contextmanager
def _explained(raw: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:  # shutil names the file that was read
            raise AssayError(f"{raw}: cannot be written ({error.strerror}); make room on its disk") from error
        raise AssayError(f"{error.filename or raw}: {error.strerror or error}") from error


def _refuse_overlap(source: Source, raw: Path) -> None:
    ours, theirs = raw.resolve(), source.folder.resolve()
    if not source.ours and (ours.is_relative_to(theirs) or theirs.is_relative_to(ours)):
        raise AssayError(f"dataset.source: expected a folder that does not overlap with {raw}, found {theirs}")


def list_left_out(source: Source, listing: Listing, found: Sequence[Entry]) -> list[LeftOut]:
    """List all files of the source that are not in the manifest, by kind and reason, except the tables of labels."""
    used = {listing.files[name] for name in listing.notes.tables & listing.files.keys()}
    rows = file_types.count({name: path for name, path in listing.others.items() if path not in used})
    named = {entry.path for entry in found}
    if unnamed := [image for image in listing.images if image not in named]:
        rows.append(LeftOut("image", "neither layout nor table names it", len(unnamed), unnamed[0]))
    return [*rows, *listing.left_out, *source.left_out]


def _report(left_out: Sequence[LeftOut]) -> None:
    """Log what was left out, as a warning if images or a class may be missing."""
    for row in left_out:
        example = (f", such as {row.example}" if row.files > 1 else f": {row.example}") if row.example else ""
        level = logging.INFO if row.reason == NO_IMAGE or row.kind in QUIET else logging.WARNING
        start = "warning: " if level == logging.WARNING else ""
        log.log(level, "%sleft out: %s %d%s: %s", start, row.kind, row.files, example, row.reason)


def place(entries: Sequence[Entry], listing: Listing, folder: Path, *, ours: bool, home: Path) -> None:
    """Move the files of entries into a folder if they are ours; otherwise link them there, or copy if that fails.

    Raises:
        AssayError: a file cannot be read.
    """
    spare_writable = not ours and dvc_links(home)
    for entry in entries:
        source, target = listing.files[entry.path], folder / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if ours:
            source.replace(target)
        else:
            _link_or_copy(source, target, listing.where, spare_writable=spare_writable)


def dvc_links(home: Path) -> bool:
    """Return whether DVC is configured to link files between its cache and the working tree instead of copying them.

    DVC then makes the files of an output read-only, as they are part of its cache. A hard link to a user's file is the
    same file: it would become read-only too, and editing it would damage the cache.
    """
    if not (home / ".dvc").is_dir():
        return False
    from dvc.config import Config

    cache = Config(dvc_dir=str(home / ".dvc"), validate=False).get("cache", {}).get("type", "")
    return any(kind in str(cache) for kind in ("hardlink", "symlink"))


def _link_or_copy(source: Path, target: Path, where: str, *, spare_writable: bool) -> None:
    real = Path(os.path.realpath(source))
    if not (spare_writable and real.stat().st_mode & stat.S_IWUSR):
        try:
            os.link(real, target)
            return
        except OSError:
            pass  # another file system, one without links, or another user's file
    try:
        shutil.copyfile(real, target)
    except PermissionError as error:
        raise AssayError(f"{where}: {source}: cannot be read ({error.strerror})") from error
