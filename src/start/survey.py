"""From a source to its plan and to params.yaml: opens it, reads its labels, looks at some of its pictures."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src import presets
from src.core import console
from src.core.errors import AssayError
from src.download.scan import scan
from src.download.sources import PREFIX, open_source
from src.download.stage import list_left_out
from src.start import pictures, plan, reading, write

BUILD, LARGE = Path("build"), 500 * 10**6  # bytes


def run(source: str, changes: Mapping[str, Any], home: Path, *, yes: bool) -> None:
    """Look at a source and write params.yaml for it; `changes` are values by dotted key that a person asks for.

    Raises:
        AssayError: the source cannot be looked at or read, a change is not allowed, or edits would be lost.
    """
    refuse_remote(source)
    decisions = look(source, changes, home)
    made = write.text(decisions, changes, source, home)
    console.say("\n".join(write.lines(decisions, changes, made)))
    copy = presets.replace(made, home, yes=yes)
    console.say(f"params.yaml: written, the same at its head{f'; the one before is {copy.name}' if copy else ''}")


def look(source: str, changes: Mapping[str, Any], home: Path) -> list[plan.Decision]:
    """Open a folder or an archive, read its labels and some of its pictures, and decide.

    Raises:
        AssayError: it cannot be opened or read.
    """
    params = presets.made(write.BASE, source, changes, home)[1]
    with _workspace(source, home) as folder:
        opened = open_source(params.dataset, Path(folder) / "unpacked", home)
        listing, skipped = scan(opened.folder, source, keep_masks=params.dataset.masks == "keep")
        found = reading.read(listing, params.dataset, changes, home)
        left_out = list_left_out(opened, listing, skipped, found.entries)
        seen = pictures.look_at(found.entries, listing.files, params.preprocess.max_megapixels)
    if not seen.looks:
        raise AssayError(f"{source}: expected pictures, but none of {seen.unreadable} that were tried can be read")
    return plan.make(source, found, seen, left_out, changes.get("model.name"))


def _workspace(source: str, home: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a folder to unpack to: among the system's temporary files, or below build/ where these may have no room."""
    archive = Path(source).is_file() and Path(source).stat().st_size > LARGE
    if archive:
        (home / BUILD).mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=".start", dir=home / BUILD if archive else None)


def refuse_remote(source: str) -> None:
    """Refuse what is not here yet.

    Raises:
        AssayError: it is a URL or a Kaggle data set; the message says how to get it.
    """
    if source.startswith(PREFIX):
        name = source.removeprefix(PREFIX)
        raise AssayError(
            f"{source}: only files that are here can be looked at; get them from kaggle.com/datasets/{name} and name "
            "the archive, or a preset for known data (make presets)"
        )
    if source.startswith(("http://", "https://")):
        raise AssayError(f"{source}: only files that are here can be looked at; download it and name the archive")
