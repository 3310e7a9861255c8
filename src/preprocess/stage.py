"""The work of the preprocess stage: every image of the manifest through the steps and into the store."""

import logging
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from src.config import Preprocess
from src.core.errors import AssayError, listed
from src.core.files import read_csv, replacing
from src.core.paths import Prepared, Raw
from src.core.progress import track
from src.images.decode import Facts, read
from src.images.limits import UnreadableError, give_back, report_killed
from src.images.pixels import THUMBNAIL, Pixels, is_dark_or_flat, thumbnail
from src.images.store import COLUMNS, packing, table
from src.images.worker_threads import cores, ordered
from src.preprocess.last_run import LastRun, digest
from src.preprocess.pipeline import Box, Chain, compose
from src.preprocess.walkthrough import Counts, Examples, Histograms, counted, levels, write_levels, write_walkthrough

log = logging.getLogger(__name__)
SHOWN = 20  # rejected files named in the message; the list beside the folder has all
NAMED = 3  # files named in a line of the console
NOTE = "decoding.txt"  # beside the folder: the large files under work, which a killed run leaves
SOURCE = ("path", "label", "group", "fold")  # columns of the manifest
NO_BOX = (None, None, None, None)
UNKNOWN = bytes(32)  # the digest of a file that could be read only later


class Kept(NamedTuple):
    """An image as it goes to the store, as it was read but small, the facts of its file, the box that `crop` cut.

    For some images then how often each level occurs in it as it was read, and as it goes to the store. The digest is
    that of its file, where one run remembers it for the next; `taken` says that it is what the last one wrote.
    """

    image: Pixels
    thumbnail: Pixels
    facts: Facts
    box: Box | None
    levels: tuple[Counts, Counts] | None
    digest: bytes = b""
    taken: bool = False


class Rejected(NamedTuple):
    """A row of rejected.csv."""

    path: str
    label: str
    reason: str


@dataclass
class Packed:
    """What the tables and arrays do not say: rejected files, a digest for each row, how many were taken over."""

    rejected: list[Rejected]
    digests: list[bytes]
    taken: int = 0


def run(
    raw: Raw, prepared: Prepared, section: Preprocess, threads: int | None = None, held: Path | None = None
) -> None:
    """Write the packed images, their index, the rejected files and sheets of the steps and the levels: all or nothing.

    The result does not depend on the number of threads (by default that of the cores), nor on what of an earlier run is
    taken over, which stands in the folder `held`.

    Raises:
        AssayError: steps that do not fit, more than `max_rejected` of the files rejected, or no image left.
    """
    chain, sources = compose(section), read_csv(raw.manifest, SOURCE)
    last = LastRun(held, section) if held else None
    if not sources:
        raise AssayError(f"{raw.manifest}: lists no image")
    left = prepared.folder.with_name("rejected.csv")  # outside the folder, which does not come to be
    chain.memory.note = prepared.folder.with_name(NOTE)
    report_killed(chain.memory.note)
    give_back()
    with replacing(prepared.folder) as folder:
        folder.mkdir()
        unfinished, examples = Prepared(folder), Examples()
        packed = _pack(raw, unfinished, chain, sources, threads or cores(), examples, last)
        rejected = packed.rejected
        if len(rejected) > section.max_rejected * len(sources) or len(rejected) == len(sources):
            shutil.copyfile(unfinished.rejected, left)
            found = f"{len(rejected)} of {len(sources)} files rejected, expected at most {section.max_rejected:.1%}"
            named = listed([f"{row.path}: {row.reason}" for row in rejected], SHOWN, "\n  ")
            raise AssayError(f"{found} (preprocess.max_rejected); the whole list is {left}\n  {named}")
        write_walkthrough(unfinished.sheet, raw, chain, examples)
        write_levels(unfinished.levels, raw, chain, examples)
    if last:
        last.replace(prepared, packed.digests)
    left.unlink(missing_ok=True)
    kept = f"preprocess: {len(sources) - len(rejected)} of {len(sources)} images"
    if packed.taken:
        kept += f", {packed.taken} of them as the last run prepared them"
    if rejected:
        named = listed([f"{row.path}: {row.reason}" for row in rejected], NAMED, "; ")
        log.warning("%s, %d rejected (all in %s): %s", kept, len(rejected), prepared.rejected, named)
    else:
        log.info(kept)


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


def _pack(
    raw: Raw,
    unfinished: Prepared,
    chain: Chain,
    sources: list[dict[str, str]],
    threads: int,
    examples: Examples,
    last: LastRun | None,
) -> Packed:
    """Write the tables and arrays in the order of the manifest; only rejected rows, digests and sums stay in memory."""
    packed = Packed([], [])
    dark: list[str] = []
    histograms = Histograms(1 if chain.gray else 3, chain.shape[2])
    count = counted([source["path"] for source in sources])
    work: Callable[[dict[str, str]], Kept | Rejected] = partial(_attempt, raw, chain, count, last)
    results = track(ordered(work, sources, threads), len(sources), "preparing images", "file")
    with (
        packing(unfinished.images, chain.shape) as add_image,
        packing(unfinished.thumbnails, (THUMBNAIL, THUMBNAIL, 1)) as add_thumbnail,
        table(unfinished.index, COLUMNS) as add_row,
        table(unfinished.rejected, Rejected._fields) as add_rejected,
    ):
        for source, result in zip(sources, results, strict=True):
            if isinstance(result, Rejected):
                packed.rejected.append(result)
                add_rejected(result)
                continue
            add_image(result.image)
            add_thumbnail(result.thumbnail)
            add_row((*(source[name] for name in SOURCE), *result.facts, *(result.box or NO_BOX)))
            packed.digests.append(result.digest or UNKNOWN)
            packed.taken += result.taken
            if result.levels:
                histograms.add(*result.levels)
            examples.see(source["path"], source["label"])
            if is_dark_or_flat(result.thumbnail):
                dark.append(source["path"])
    histograms.write(unfinished.histograms)
    if dark:
        what = "images are nearly black or flat as they were read; look at them, mend or remove them"
        log.warning("%d of %d %s: %s", len(dark), len(sources), what, listed(dark, NAMED))
    return packed


def _attempt(
    raw: Raw, chain: Chain, count: frozenset[str], last: LastRun | None, source: dict[str, str]
) -> Kept | Rejected:
    path, levels_wanted = raw.folder / source["path"], source["path"] in count
    known = digest(path) if last else b""
    row = last.find(known) if last and not levels_wanted else None
    if last and row is not None:
        return Kept(*last.image(row), None, known, taken=True)
    try:
        return prepare_one(path, chain, levels_wanted)._replace(digest=known)
    except UnreadableError as error:
        return Rejected(source["path"], source["label"], str(error))
