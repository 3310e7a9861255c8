"""The download stage: from any source to a folder of images with a manifest."""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from src.config import Dataset
from src.core import registry
from src.core.errors import AssayError, suggestion
from src.core.files import NO_ROOM, replacing, write_csv
from src.core.paths import TABLES, Raw
from src.download import labels, manifest
from src.download.dicom_patients import add_patients
from src.download.kinds import NO_IMAGE, LeftOut
from src.download.label_table import label_files, read_labels
from src.download.link import place
from src.download.scan import Listing, Skipped, scan
from src.download.sources import Source, open_source
from src.download.tables import read_table

log = logging.getLogger(__name__)

STAGING = ".unpacked"
QUIET = {"junk", "copy", "mask"}  # kinds whose absence no class suffers from


def run(dataset: Dataset, raw: Raw, home: Path) -> None:
    """Write the images that a source's layout names and the three tables about them into the raw folder, or nothing.

    Relative paths are looked up in the current directory, then in `home`, the person's repository.

    Raises:
        AssayError: the source cannot be had, or is not what dataset.layout expects.
    """
    # Inside too: else `replacing` would take a source that cannot be read for a raw folder that cannot be written.
    with _explained(raw.folder), replacing(raw.folder) as folder, _explained(raw.folder):
        folder.mkdir()
        source = open_source(dataset, folder / STAGING, home)
        _refuse_overlap(source, raw.folder)
        listing, skipped = scan(source.folder, dataset.source, keep_masks=dataset.masks == "keep")
        found, listed = read_entries(dataset, listing, home)
        manifest.check(found, dataset.source, dataset.positive)
        manifest.refuse_collisions(
            found, dataset.source, [path.name for path in (raw.manifest, raw.counts, raw.left_out)]
        )
        left_out = list_left_out(source, listing, skipped, found)
        place(found, listing, folder, ours=source.ours, home=home)
        shutil.rmtree(folder / STAGING, ignore_errors=True)
        manifest.write(found, folder / raw.manifest.name)
        manifest.write_counts(found, labels.merge_counts(listed, dataset.merge), folder / raw.counts.name)
        write_csv(folder / raw.left_out.name, LeftOut._fields, left_out)
    log.info("%s: %s", dataset.source, manifest.summary(found))
    _report(left_out)


def read_entries(dataset: Dataset, listing: Listing, home: Path) -> tuple[list[manifest.Entry], Mapping[str, int]]:
    """Read the labels as params.yaml says, and the patients of DICOM files; with them what a source's table counts.

    Raises:
        AssayError: the layout or the table does not fit the source.
    """
    layout = registry.load("download.layouts", dataset.layout)
    found = _from_table(dataset, listing, home) if dataset.table else layout.read(listing)
    listed: Mapping[str, int] = layout.listed(listing) if hasattr(layout, "listed") else {}
    if found and dataset.group_pattern is not None:
        found = labels.regroup(found, dataset.group_pattern, dataset.source)
    found = add_patients(found, listing.files)
    if found and dataset.merge:
        found = labels.merge(found, dataset.merge, dataset.source)
    return found, listed


def _from_table(dataset: Dataset, listing: Listing, home: Path) -> list[manifest.Entry]:
    """Read the table that dataset.table names: within the source, or in the folder that the stage depends on."""
    name = str(dataset.table)
    if name in listing.files:
        table = listing.read(name)
    elif (path := home / name).is_file() and path.resolve().is_relative_to((home / TABLES).resolve()):
        table = replace(read_table(path, name, ""), folder="")
    else:
        known = [*label_files(listing), *(f"{TABLES}/{path.name}" for path in sorted((home / TABLES).glob("*.?sv")))]
        outside = f"; copy it to {TABLES}/{path.name}, where DVC sees its changes" if path.is_file() else ""
        places = f"in {dataset.source} or in {TABLES}/ ({', '.join(known) or 'none there'})"
        raise AssayError(f"dataset.table: expected a table {places}, found {name!r}{suggestion(name, known)}{outside}")
    found = read_labels(listing, table)
    log.info("%s", found.why)
    return found.entries


@contextmanager
def _explained(raw: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:  # shutil names the file that was read
            raise AssayError(f"{raw}: cannot be written ({error.strerror}); make room on its disk") from error
        raise AssayError(f"{error.filename or raw}: {error.strerror or error}") from error


def list_left_out(source: Source, listing: Listing, skipped: Skipped, found: Sequence[manifest.Entry]) -> list[LeftOut]:
    """List all that the source holds and the manifest does not, by kind and reason."""
    named = {entry.path for entry in found}
    unnamed = [image for image in listing.images if image not in named]
    junk, links = source.left_out.junk + skipped.junk, source.left_out.links
    rows = [
        *listing.left_out,
        LeftOut("image", "neither layout nor table names it", len(unnamed), next(iter(unnamed), "")),
        LeftOut("copy", "its folder repeats what is beside it", skipped.copied, skipped.copy),
        LeftOut("link", "it leads to no file of the archive", len(links), next(iter(links), "")),
        LeftOut("junk", "left by the operating system, or hidden", junk, ""),
    ]
    return [row for row in rows if row.files]


def _report(left_out: Sequence[LeftOut]) -> None:
    """Say what was left out, as a warning where pictures or a class may be missing."""
    for row in left_out:
        example = (f", such as {row.example}" if row.files > 1 else f": {row.example}") if row.example else ""
        level = logging.INFO if row.reason == NO_IMAGE or row.kind in QUIET else logging.WARNING
        start = "warning: " if level == logging.WARNING else ""
        log.log(level, "%sleft out: %s %d%s: %s", start, row.kind, row.files, example, row.reason)


def _refuse_overlap(source: Source, raw: Path) -> None:
    ours, theirs = raw.resolve(), source.folder.resolve()
    if not source.ours and (ours.is_relative_to(theirs) or theirs.is_relative_to(ours)):
        raise AssayError(f"dataset.source: expected a folder that does not overlap with {raw}, found {theirs}")
