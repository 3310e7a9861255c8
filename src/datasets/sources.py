"""dataset.source made a folder to read from, whatever it names."""

from dataclasses import dataclass, field
from pathlib import Path

from src.datasets.unpacking import LeftOut, unpack
from src.errors import AssayError
from src.params import Dataset
from src.paths import DOWNLOADS

CHOICES = "a folder, a .zip or .tar.gz, an http(s) URL, or kaggle:owner/name"


@dataclass(frozen=True)
class Source:
    """A folder of files: ours to take apart or a person's, and what of its archive was left out."""

    folder: Path
    ours: bool
    left_out: LeftOut = field(default_factory=LeftOut)


def open_source(dataset: Dataset, staging: Path, home: Path) -> Source:
    """Make the files of a source available: archives are unpacked into the new folder `staging`.

    Raises:
        AssayError: there is no such source, or it cannot be had or used.
    """
    source = dataset.source
    if source.startswith(("http://", "https://")):
        from src.datasets import remote

        archive = remote.fetch(source, dataset.sha256, home / DOWNLOADS, dataset.max_download_gb)
        return Source(staging, True, unpack(archive, staging, dataset.max_unpacked_gb, source))
    if source.startswith("kaggle:"):
        from src.datasets import kaggle

        _refuse_pin(dataset, "a kaggle: source is pinned by its version, as in kaggle:owner/name/versions/1")
        folder = kaggle.fetch(source)
        kaggle.leave_marker(source, folder)
        return Source(folder, False)
    return _open_local(dataset, staging, home)


def find(source: str, home: Path) -> Path:
    """Find a local source, relative to the current directory or, if missing there, to the repository.

    ``dvc exp run --temp`` runs in a copy of the repository elsewhere, from where ../data leads to nothing.

    Raises:
        AssayError: nothing is there.
    """
    for path in (Path(source), home / source):
        if path.exists():
            return path.resolve()
    if "://" in source:
        raise AssayError(f"dataset.source: expected {CHOICES}, found {source!r}")
    raise AssayError(f"dataset.source: expected {CHOICES}, found nothing at {source}")


def _open_local(dataset: Dataset, staging: Path, home: Path) -> Source:
    path = find(dataset.source, home)
    if path.is_dir():
        _refuse_pin(dataset, "a folder has no checksum")
        return Source(path, False)
    if not path.is_file():
        raise AssayError(f"dataset.source: expected {CHOICES}, found a special file at {dataset.source}")
    if path.suffix.lower() == ".csv":
        raise AssayError(f"dataset.source: expected the folder of a CSV and its images, found the CSV {dataset.source}")
    if dataset.sha256:
        from src.datasets.remote import checksum

        if (found := checksum(path)) != dataset.sha256:
            raise AssayError(f"{dataset.source}: expected sha256 {dataset.sha256} (dataset.sha256), found {found}")
    return Source(staging, True, unpack(path, staging, dataset.max_unpacked_gb, dataset.source))


def _refuse_pin(dataset: Dataset, reason: str) -> None:
    if dataset.sha256:
        raise AssayError(f"dataset.sha256: expected null, since {reason}; found {dataset.sha256}")
