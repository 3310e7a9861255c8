"""The rows of the packed store: each is made from a file, or taken from what was prepared before."""

from collections.abc import Container, Mapping, Sequence, Sized
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.config import Preprocess
from src.core import files
from src.core.errors import AssayError
from src.core.paths import Prepared, Raw
from src.core.progress import track
from src.images.decode import read
from src.images.limits import UnreadableError
from src.images.pixels import THUMBNAIL, Pixels, thumbnail
from src.images.store import COLUMNS, packing, table
from src.images.worker_threads import ordered
from src.preprocess.earlier import ABOUT, Earlier
from src.preprocess.pipeline import Chain
from src.preprocess.walkthrough import Counts, Walkthrough, levels

SOURCE = ("path", "label", "group", "fold")  # columns of the manifest, and of the index
NO_BOX = (None, None, None, None)


class Kept(NamedTuple):
    """An image for the store, a thumbnail of it as read, and its cells of ABOUT: facts of the file, box of `crop`.

    levels: histograms before and after the steps, for the images that are counted. digest: of the file, if images are
    cached for the next run. taken: True if the image comes from an earlier run.
    """

    image: Pixels
    thumbnail: Pixels
    about: Sequence[object]
    levels: tuple[Counts, Counts] | None = None
    digest: str = ""
    taken: bool = False


class Rejected(NamedTuple):
    """A row of rejected.csv."""

    path: str
    label: str
    reason: str


@dataclass
class Written:
    """What the tables and arrays do not tell: rejected files by the number of their source, and how many were reused.

    digests: of the file of each row, "" if the row is black.
    """

    rejected: dict[int, Rejected] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    taken: int = 0


def prepare_one(path: Path, chain: Chain, count: bool = False) -> Kept:
    """Read one file and run the steps, as for the store; `count`: also compute the histograms of the levels.

    Raises:
        UnreadableError: the file cannot be made into an image; the message is the reason.
    """
    with ExitStack() as held:  # memory is reserved until the steps are done: they work on the large image too

        def claim(size: float) -> None:
            held.enter_context(chain.memory.taking(size, path.as_posix()))

        keep = chain.section.damaged == "keep"
        image, facts = read(path, chain.section.max_megapixels, chain.gray, keep, claim)
        done = chain(image)
        counts = (levels(image), levels(done.image)) if count else None
        return Kept(done.image, thumbnail(image), (*facts, *(done.box or NO_BOX)), counts)


def write(
    raw: Raw, out: Prepared, chain: Chain, sources: Sequence[Mapping[str, str]], threads: int, earlier: Earlier | None,
    *, shown: Walkthrough | None = None, only: Container[int] | None = None,
) -> Written:  # fmt: skip
    """Write arrays, index and rejected files in the order of the sources; few images are in memory at once.

    A rejected file has no row. With `only` every source has a row, but only files of the rows in `only` are read: all
    other rows, and those of rejected files, are black.
    """
    written = Written()
    black = Kept(np.zeros(chain.shape, np.uint8), np.zeros((THUMBNAIL, THUMBNAIL, 1), np.uint8), [None] * len(ABOUT))

    def work(numbered: tuple[int, Mapping[str, str]]) -> Kept | Rejected:
        row, source = numbered
        if only is not None and row not in only:
            return black
        return _attempt(raw, chain, earlier, source, shown is not None and source["path"] in shown.counted)

    with (
        packing(out.images, chain.shape) as add_image,
        packing(out.thumbnails, (THUMBNAIL, THUMBNAIL, 1)) as add_thumbnail,
        table(out.index, COLUMNS) as add_row,
        table(out.rejected, Rejected._fields) as add_rejected,
    ):
        results = ordered(work, enumerate(sources), threads)
        if shown:
            results = track(results, len(sources), "preparing images", "file")
        for row, (source, result) in enumerate(zip(sources, results, strict=True)):
            kept = result
            if isinstance(kept, Rejected):
                written.rejected[row] = kept
                add_rejected(kept)
                if only is None:
                    continue
                kept = black
            add_image(kept.image)
            add_thumbnail(kept.thumbnail)
            add_row((*(source[name] for name in SOURCE), *kept.about))
            written.digests.append(kept.digest)
            written.taken += kept.taken
            if shown:
                shown.see(source["path"], source["label"], kept.thumbnail, kept.levels)
    return written


def too_many(rejected: Sized, sources: int, section: Preprocess) -> str:
    """Return an error message if too many files are rejected or no image is left, else ""."""
    if len(rejected) <= section.max_rejected * sources and len(rejected) < sources:
        return ""
    found = f"{len(rejected)} of {sources} files rejected, expected at most {section.max_rejected:.1%}"
    return f"{found} (preprocess.max_rejected)"


def _attempt(
    raw: Raw, chain: Chain, earlier: Earlier | None, source: Mapping[str, str], count: bool
) -> Kept | Rejected:
    path, digest, version = raw.folder / source["path"], "", None
    if earlier:
        with suppress(OSError, AssayError):  # the file cannot be read: decoding it gives the reason
            version, digest = _version(path), files.digest(path)
        if not count and (found := earlier.find(digest)):
            return Kept(*found, digest=digest, taken=True)
    try:
        kept = prepare_one(path, chain, count)
        # A file that was edited meanwhile may have been decoded with other content than was hashed.
        return kept._replace(digest=digest) if digest and _version(path) == version else kept
    except UnreadableError as error:
        return Rejected(source["path"], source["label"], str(error))


def _version(path: Path) -> tuple[int, int, int] | None:
    with suppress(OSError):
        about = path.stat()
        return about.st_ino, about.st_size, about.st_mtime_ns
    return None
