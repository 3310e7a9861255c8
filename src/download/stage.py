"""The download stage: from any source to a folder of images with a manifest."""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from src.config import Dataset
from src.core import registry
from src.core.errors import AssayError
from src.core.files import NO_ROOM, replacing
from src.core.paths import Raw
from src.download import labels, manifest
from src.download.link import place
from src.download.scan import Skipped, scan
from src.download.sources import Source, open_source

log = logging.getLogger(__name__)

STAGING = ".unpacked"


def run(dataset: Dataset, raw: Raw, home: Path) -> None:
    """Write the images that a source's layout names, manifest.csv and counts.csv into the raw folder, or nothing.

    Relative paths are looked up in the current directory, then in `home`, the person's repository.

    Raises:
        AssayError: the source cannot be had, or is not what dataset.layout expects.
    """
    layout = registry.load("download.layouts", dataset.layout)
    # Inside too: else `replacing` would take a source that cannot be read for a raw folder that cannot be written.
    with _explained(raw.folder), replacing(raw.folder) as folder, _explained(raw.folder):
        folder.mkdir()
        source = open_source(dataset, folder / STAGING, home)
        _refuse_overlap(source, raw.folder)
        listing, skipped = scan(source.folder, dataset.source)
        found = _adapted(layout.read(listing), dataset)
        manifest.check(found, dataset.source, dataset.positive)
        manifest.refuse_collisions(found, dataset.source, (raw.manifest.name, raw.counts.name, raw.left_out.name))
        listed: Mapping[str, int] = layout.listed(listing) if hasattr(layout, "listed") else {}
        place(found, listing, folder, ours=source.ours, home=home)
        shutil.rmtree(folder / STAGING, ignore_errors=True)
        manifest.write(found, folder / raw.manifest.name)
        manifest.write_counts(found, labels.merge_counts(listed, dataset.merge), folder / raw.counts.name)
        unnamed = sorted(set(listing.images) - {entry.path for entry in found})
        manifest.write_left_out(skipped.others, unnamed, folder / raw.left_out.name)
    log.info("%s: %s", dataset.source, manifest.summary(found))
    _report_left_out(source, skipped, len(listing.images) - len(found))


@contextmanager
def _explained(raw: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:  # shutil names the file that was read
            raise AssayError(f"{raw}: cannot be written ({error.strerror}); make room on its disk") from error
        raise AssayError(f"{error.filename or raw}: {error.strerror or error}") from error


def _adapted(found: list[manifest.Entry], dataset: Dataset) -> list[manifest.Entry]:
    if found and dataset.group_pattern is not None:
        found = labels.regroup(found, dataset.group_pattern, dataset.source)
    if found and dataset.merge:
        found = labels.merge(found, dataset.merge, dataset.source)
    return found


def _report_left_out(source: Source, skipped: Skipped, images: int) -> None:
    junk, links = source.left_out.junk + skipped.junk, source.left_out.links
    copied = f"{skipped.copied} files of the folder {skipped.copy}, a copy of the rest" if skipped.copied else ""
    left_out = [
        f"{junk} junk files" if junk else "",
        f"{len(links)} links that lead to no file of the archive, such as {links[0]}" if links else "",
        copied,
        f"{images} images that the layout does not name" if images else "",
        f"no images: {skipped.kinds} (listed in left_out.csv)" if skipped.others else "",
        f"empty folders: {', '.join(skipped.empty)}" if skipped.empty else "",
    ]
    if any(left_out):
        log.info("left out: %s", "; ".join(filter(None, left_out)))


def _refuse_overlap(source: Source, raw: Path) -> None:
    ours, theirs = raw.resolve(), source.folder.resolve()
    if not source.ours and (ours.is_relative_to(theirs) or theirs.is_relative_to(ours)):
        raise AssayError(f"dataset.source: expected a folder that does not overlap with {raw}, found {theirs}")
