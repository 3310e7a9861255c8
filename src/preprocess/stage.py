"""The preprocess stage: run every image of the manifest through the steps, and write it to the store."""

import logging
import shutil
from pathlib import Path

from src.config import Preprocess
from src.core.errors import AssayError, listed
from src.core.files import read_csv, replacing
from src.core.paths import VARIANTS, Prepared, Raw
from src.images.limits import give_back, report_killed
from src.images.worker_threads import cores
from src.preprocess import rows
from src.preprocess.earlier import Earlier, variants
from src.preprocess.pipeline import compose
from src.preprocess.rows import SOURCE
from src.preprocess.walkthrough import Walkthrough

log = logging.getLogger(__name__)
SHOWN = 20  # rejected files named in the message; the list beside the folder has all
NAMED = 3  # files named in a line of the console
NOTE = "decoding.txt"  # beside the folder: the large files in progress, which a killed run leaves behind


def run(
    raw: Raw, prepared: Prepared, section: Preprocess, threads: int | None = None, held: Path | None = None
) -> None:
    """Write the packed images, their index, the rejected files and sheets of the steps and the levels: all or nothing.

    The result does not depend on the number of threads (by default that of the cores), nor on the images that are
    reused from an earlier run, in the folder `held`, or from a study.

    Raises:
        AssayError: the steps do not fit, the share of rejected files is above `max_rejected`, or no image is left.
    """
    chain, sources = compose(section), read_csv(raw.manifest, SOURCE)
    if not sources:
        raise AssayError(f"{raw.manifest}: lists no image")
    earlier = Earlier([held, *variants(VARIANTS, section)], section) if held else None
    left = prepared.folder.with_name("rejected.csv")  # outside the folder, which is not created on failure
    chain.memory.note = prepared.folder.with_name(NOTE)
    report_killed(chain.memory.note)
    give_back()
    shown = Walkthrough(chain, [source["path"] for source in sources])
    with replacing(prepared.folder) as folder:
        folder.mkdir()
        unfinished = Prepared(folder)
        written = rows.write(raw, unfinished, chain, sources, threads or cores(), earlier, shown=shown)
        rejected = [f"{row.path}: {row.reason}" for row in written.rejected.values()]
        if found := rows.too_many(rejected, len(sources), section):
            shutil.copyfile(unfinished.rejected, left)
            named = listed(rejected, SHOWN, "\n  ")
            raise AssayError(f"{found}; the whole list is in {left}\n  {named}")
        shown.write(unfinished, raw)
    if earlier and held:
        earlier.hold(prepared, written.digests, held)
    left.unlink(missing_ok=True)
    if dark := shown.dark:
        what = "images are nearly black or flat as they were read; look at them, and correct or remove them"
        log.warning("%d of %d %s: %s", len(dark), len(sources), what, listed(dark, NAMED))
    kept = f"preprocess: {len(written.digests)} of {len(sources)} images"
    if written.taken:
        kept += f", {written.taken} of them as prepared before"
    if rejected:
        named = listed(rejected, NAMED, "; ")
        log.warning("%s, %d rejected (all in %s): %s", kept, len(rejected), prepared.rejected, named)
    else:
        log.info(kept)
