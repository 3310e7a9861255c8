"""Puts the images of a source into the raw folder without touching the source."""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from src.core.errors import AssayError
from src.download.manifest import Entry
from src.download.scan import Listing


def place(entries: Sequence[Entry], listing: Listing, folder: Path, *, ours: bool, home: Path) -> None:
    """Move the files of entries into a folder if they are ours, else link them there, or copy where that fails.

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
    """Return whether DVC is set up to link its cache and the work tree instead of copying.

    DVC then makes the files of an output read-only and parts of its cache. A hard link to a person's file is the
    same file: it would become read-only too, and editing it would damage the cache.
    """
    if not (home / ".dvc").is_dir():
        return False
    from dvc.config import Config

    kinds = Config(dvc_dir=str(home / ".dvc"), validate=False).get("cache", {}).get("type", "")
    return any(kind in str(kinds) for kind in ("hardlink", "symlink"))


def _link_or_copy(source: Path, target: Path, where: str, *, spare_writable: bool) -> None:
    real = Path(os.path.realpath(source))
    if not (spare_writable and real.stat().st_mode & stat.S_IWUSR):
        try:
            os.link(real, target)
            return
        except OSError:
            pass  # another file system, one without links, or a file of somebody else's
    try:
        shutil.copyfile(real, target)
    except PermissionError as error:
        raise AssayError(f"{where}: {source}: cannot be read ({error.strerror})") from error
