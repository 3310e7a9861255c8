"""Turns dataset.source into a folder to read from, whatever kind of source it names."""

import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from src.config import Dataset
from src.core import files
from src.core.errors import AssayError
from src.core.paths import DOWNLOADS
from src.download.archive import unpack
from src.download.file_types import LeftOut

CHOICES = "a folder, a .zip or .tar.gz, an http(s) URL, or kaggle:owner/name"
KAGGLE = "kaggle:"
URLS = ("http://", "https://")
_HANDLE = re.compile(r"kaggle:[\w-]+/[\w-]+(/versions/\d+)?")


class Source(NamedTuple):
    """A folder of files, whether it is `ours` to take apart or the user's, and what was left out of its archive."""

    folder: Path
    ours: bool
    left_out: list[LeftOut]


def open_source(dataset: Dataset, staging: Path, home: Path) -> Source:
    """Make the files of a source available: archives are unpacked into the new folder `staging`.

    Raises:
        AssayError: there is no such source, or it cannot be downloaded or used.
    """
    source = dataset.source
    if source.startswith(KAGGLE):
        _refuse_pin(dataset, "a kaggle: source is pinned by its version, as in kaggle:owner/name/versions/1")
        folder = fetch(source)
        leave_marker(source, folder)
        return Source(folder, False, [])
    if source.startswith(URLS):
        from src.download import http_download

        archive = http_download.fetch(source, dataset.sha256, home / DOWNLOADS, dataset.max_download_gb)
    else:
        archive = _local(source, home)
        if archive.is_dir():
            _refuse_pin(dataset, "a folder has no checksum")
            return Source(archive, False, [])
        if dataset.sha256 and (found := files.digest(archive)) != dataset.sha256:
            raise AssayError(f"{source}: expected sha256 {dataset.sha256} (dataset.sha256), found {found}")
    return Source(staging, True, unpack(archive, staging, dataset.max_unpacked_gb, source))


def _local(source: str, home: Path) -> Path:
    """Find a folder or an archive, relative to the current directory or, if missing there, to the repository.

    ``dvc exp run --temp`` runs in a copy of the repository elsewhere, from where ../data leads to nothing.
    """
    path = next((path.resolve() for path in (Path(source), home / source) if path.exists()), None)
    if path is None:
        found = repr(source) if "://" in source else f"nothing at {source}"
        raise AssayError(f"dataset.source: expected {CHOICES}, found {found}")
    if not (path.is_dir() or path.is_file()):
        raise AssayError(f"dataset.source: expected {CHOICES}, found a special file at {source}")
    if path.is_file() and path.suffix.lower() == ".csv":
        raise AssayError(f"dataset.source: expected the folder of a CSV and its images, found the CSV {source}")
    return path


def _refuse_pin(dataset: Dataset, reason: str) -> None:
    if dataset.sha256:
        raise AssayError(f"dataset.sha256: expected null, since {reason}; found {dataset.sha256}")


def fetch(source: str) -> Path:
    """Download ``kaggle:owner/name`` or ``kaggle:owner/name/versions/3`` into kagglehub's cache; return the folder.

    Raises:
        AssayError: the handle is malformed or unknown, there is no network, or credentials are missing or wrong.
    """
    if not _HANDLE.fullmatch(source):
        raise AssayError(
            f"dataset.source: expected kaggle:owner/name or kaggle:owner/name/versions/1, found {source!r}"
        )
    os.environ.setdefault("KAGGLEHUB_VERBOSITY", "error")
    import kagglehub
    from kagglehub import exceptions

    try:
        return Path(kagglehub.dataset_download(source.removeprefix(KAGGLE)))
    except (exceptions.UnauthenticatedError, exceptions.DataCorruptionError, exceptions.BackendError,
            ValueError, OSError) as error:  # fmt: skip
        if isinstance(error, OSError) and error.errno in files.NO_ROOM:
            hint = "make room on the disk of kagglehub's cache"
        else:
            hint = (
                "check the name and the network; for a data set that needs a login, accept its terms on its page, and "
                "put a token from https://www.kaggle.com/settings into ~/.kaggle/kaggle.json or KAGGLE_API_TOKEN"
            )
        raise AssayError(f"{source}: cannot be fetched from Kaggle ({' '.join(str(error).split())}); {hint}") from error


def leave_marker(source: str, folder: Path) -> None:
    """Write the file ``kaggle:owner/name`` below the working directory, which says what was downloaded.

    dvc.yaml names dataset.source as a dependency of the stage. DVC can check whether a URL has changed, but it takes
    ``kaggle:owner/name`` for a local path, and fails if no such file exists after the stage has run.
    """
    marker = Path(source)
    for taken in marker.parents:
        if taken.is_file():  # the marker of the same data set without a version
            taken.unlink()
    if marker.is_dir():  # those of its versions
        shutil.rmtree(marker)
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files.write_text(
        marker,
        f"version {folder.name}: {len(found)} files, {sum(path.stat().st_size for path in found)} bytes\n",
    )
