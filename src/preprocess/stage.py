"""The work of the preprocess stage: every image of the manifest through the steps and into the store."""

import logging
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from src.config import Preprocess
from src.core.errors import AssayError
from src.core.files import read_csv, replacing
from src.core.paths import Prepared, Raw
from src.core.progress import track
from src.images.decode import Facts, read
from src.images.limits import UnreadableError
from src.images.memory_limit import give_back, report_killed
from src.images.pixels import THUMBNAIL, Pixels, is_dark_or_flat, thumbnail
from src.images.store import COLUMNS, packing, table
from src.images.worker_threads import cores, ordered
from src.preprocess.histograms import Counts, Histograms, counted, levels
from src.preprocess.pipeline import Box, Chain, compose
from src.preprocess.walkthrough import Examples, write_levels, write_walkthrough

log = logging.getLogger(__name__)
REJECTED_COLUMNS = ("path", "label", "reason")
SHOWN = 20  # rejected files named in the message; the list beside the folder has all
NAMED = 3  # files named in a line of the console
NOTE = "decoding.txt"  # beside the folder: the large files under work, which a killed run leaves
NO_BOX = (None, None, None, None)


class Kept(NamedTuple):
    """An image as it goes to the store, as it was read but small, the facts of its file, the box that `crop` cut.

    For some images then how often each level occurs in it as it was read, and as it goes to the store.
    """

    image: Pixels
    thumbnail: Pixels
    facts: Facts
    box: Box | None
    levels: tuple[Counts, Counts] | None


class Rejected(NamedTuple):
    """A row of rejected.csv."""

    path: str
    label: str
    reason: str


def run(raw: Raw, prepared: Prepared, section: Preprocess, threads: int | None = None) -> None:
    """Write the packed images, their index, the rejected files and sheets of the steps and the levels: all or nothing.

    The result does not depend on the number of threads (by default that of the cores).

    Raises:
        AssayError: steps that do not fit, more than `max_rejected` of the files rejected, or no image left.
    """
    chain, sources = compose(section), read_manifest(raw)
    left = prepared.folder.with_name("rejected.csv")  # outside the folder, which does not come to be
    chain.memory.note = prepared.folder.with_name(NOTE)
    report_killed(chain.memory.note)
    give_back()
    with replacing(prepared.folder) as folder:
        folder.mkdir()
        unfinished, examples = Prepared(folder), Examples()
        rejected = _pack(raw, unfinished, chain, sources, threads or cores(), examples)
        if len(rejected) > section.max_rejected * len(sources) or len(rejected) == len(sources):
            shutil.copyfile(unfinished.rejected, left)
            raise AssayError(_complaint(rejected, len(sources), section.max_rejected, left))
        write_walkthrough(unfinished.sheet, raw, chain, examples)
        write_levels(unfinished.levels, raw, chain, examples)
    left.unlink(missing_ok=True)
    log.log(logging.WARNING if rejected else logging.INFO, _summary(rejected, len(sources), prepared.rejected))


def prepare_one(path: Path, chain: Chain, count: bool = False) -> Kept:
    """Read one file and run the steps, as for the store, and count the levels if asked to.

    Raises:
        UnreadableError: the file does not become an image; the message is the reason.
    """
    with ExitStack() as held:  # until the steps are done: they work on the large image too

        def claim(size: float) -> None:
            held.enter_context(chain.memory.taking(size, path.as_posix()))

        keep = chain.section.damaged == "keep"
        image, facts = read(path, chain.section.max_megapixels, chain.gray, keep, claim)
        done = chain(image)
        counts = (levels(image), levels(done.image)) if count else None
        return Kept(done.image, thumbnail(image), facts, done.box, counts)


class SourceImage(NamedTuple):
    """A file below the raw folder and what the source says about it; group and fold are "" where unknown."""

    path: str
    label: str
    group: str
    fold: str


def _pack(
    raw: Raw, unfinished: Prepared, chain: Chain, sources: list[SourceImage], threads: int, examples: Examples
) -> list[Rejected]:
    """Write the tables and arrays in the order of the manifest; only rejected rows and sums stay in memory."""
    rejected: list[Rejected] = []
    dark: list[str] = []
    histograms = Histograms(1 if chain.gray else 3, chain.shape[2])
    work: Callable[[SourceImage], Kept | Rejected] = partial(
        _attempt, raw, chain, counted([source.path for source in sources])
    )
    results = track(ordered(work, sources, threads), len(sources), "preparing images", "file")
    with (
        packing(unfinished.images, chain.shape) as add_image,
        packing(unfinished.thumbnails, (THUMBNAIL, THUMBNAIL, 1)) as add_thumbnail,
        table(unfinished.index, COLUMNS) as add_row,
        table(unfinished.rejected, REJECTED_COLUMNS) as add_rejected,
    ):
        for source, result in zip(sources, results, strict=True):
            if isinstance(result, Rejected):
                rejected.append(result)
                add_rejected(result)
            else:
                add_image(result.image)
                add_thumbnail(result.thumbnail)
                add_row((*source, *result.facts, *(result.box or NO_BOX)))
                if result.levels:
                    histograms.add(*result.levels)
                examples.see(source.path, source.label)
                if is_dark_or_flat(result.thumbnail):
                    dark.append(source.path)
    histograms.write(unfinished.histograms)
    if dark:
        log.warning(
            "%d of %d images are nearly black or flat as they were read; look at them, mend or remove them: %s",
            *(len(dark), len(sources), _named(dark)),
        )
    return rejected


def _attempt(raw: Raw, chain: Chain, count: frozenset[str], source: SourceImage) -> Kept | Rejected:
    try:
        return prepare_one(raw.folder / source.path, chain, source.path in count)
    except UnreadableError as error:
        return Rejected(source.path, source.label, str(error))


def _summary(rejected: list[Rejected], total: int, table: Path) -> str:
    kept = f"preprocess: {total - len(rejected)} of {total} images"
    if not rejected:
        return kept
    reasons = _named([f"{row.path}: {row.reason}" for row in rejected], "; ")
    return f"{kept}, {len(rejected)} rejected (all in {table}): {reasons}"


def _named(names: list[str], between: str = ", ") -> str:
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return between.join([*names[:NAMED], *more])


def _complaint(rejected: list[Rejected], total: int, allowed: float, left: Path) -> str:
    lines = [f"  {row.path}: {row.reason}" for row in rejected[:SHOWN]]
    more = [f"  and {len(rejected) - SHOWN} more"] if len(rejected) > SHOWN else []
    found = f"{len(rejected)} of {total} files rejected, expected at most {allowed:.1%} (preprocess.max_rejected)"
    return "\n".join([f"{found}; the whole list is {left}", *lines, *more])


def read_manifest(raw: Raw) -> list[SourceImage]:
    """Read all rows, in the order of the file.

    Raises:
        AssayError: the manifest is missing, lacks a column, or has no rows.
    """
    sources = [
        SourceImage(*(row[name] for name in SourceImage._fields)) for row in read_csv(raw.manifest, SourceImage._fields)
    ]
    if not sources:
        raise AssayError(f"{raw.manifest}: lists no image")
    return sources
