"""The cache of prepared images: an image is reused while its file, the settings and the code stay the same.

Outputs have the same bytes as without the cache. DVC removes the outputs of a stage before it runs, so hard links in
another folder keep the last ones. The links take no time, but disk space, since DVC replaces the files that the stage
wrote by its own copies. Images that a study prepared with other values (see `executors.variants`) stay where they are.
"""

import csv
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from src import images
from src.config import Preprocess
from src.config.overrides import canonical, preprocessing
from src.core import files
from src.core.errors import AssayError
from src.core.paths import PREPARED, Prepared
from src.images.pixels import Pixels
from src.images.store import CROP, FACTS, open_images, open_thumbnails

LIBRARIES = (  # they decode and change images; among them the optional decoders of pydicom
    "numpy", "opencv-python-headless", "pillow", "pydicom", "simplejpeg", "gdcm", "python-gdcm",
    "pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle",
)  # fmt: skip
RECORD = "record.json"
SHORT = 16  # hexadecimal digits of each hash in the name of a variant's folder: of its settings and its images
ABOUT = (*FACTS, *CROP)  # columns of the index that come from the file


class Store(NamedTuple):
    """Images (N, H, W, C), thumbnails (N, 64, 64, 1), and for each row the cells of ABOUT, joined by commas."""

    images: Pixels
    thumbnails: Pixels
    about: list[str]


class Earlier:
    """The images in some folders that were prepared with these settings, found by the SHA-256 of their files.

    A folder is ignored if it was made with other settings, or if its files have changed since.
    """

    def __init__(self, folders: Iterable[Path], section: Preprocess) -> None:
        self._settings = settings(section)
        self._rows: dict[str, tuple[Store, int]] = {}
        for folder in folders:
            with suppress(OSError, KeyError, TypeError, ValueError, AssayError):  # no record, or a damaged one
                self._add(Prepared(folder))

    def find(self, digest: str) -> tuple[Pixels, Pixels, Sequence[str]] | None:
        """Return the image (H, W, C) of a file, its thumbnail (64, 64, 1) and its cells of ABOUT; None if unknown."""
        if digest not in self._rows:
            return None
        store, row = self._rows[digest]
        return store.images[row], store.thumbnails[row], store.about[row].split(",")

    def record(self, prepared: Prepared, digests: Sequence[str]) -> None:
        """Record in a folder the digests of the files of its rows, "" for a row that must not be reused."""
        content = {"settings": self._settings, "store": _digest_of_store(prepared), "files": digests}
        files.write_json(prepared.folder / RECORD, content)

    def hold(self, prepared: Prepared, digests: Sequence[str], folder: Path) -> None:
        """Replace a folder by hard links to what a run wrote; do nothing if hard links are not supported."""
        self._rows = {}  # some file systems cannot delete files that are still open
        with suppress(OSError, AssayError), files.replacing(folder) as temporary:
            temporary.mkdir()
            for path in _store(prepared):
                os.link(path, temporary / path.name)
            self.record(Prepared(temporary), digests)

    def _add(self, prepared: Prepared) -> None:
        record = files.read_json(prepared.folder / RECORD)
        if [record["settings"], record["store"]] != [self._settings, _digest_of_store(prepared)]:
            return
        with prepared.index.open(encoding="utf-8", newline="") as file:
            about = [",".join(line[name] for name in ABOUT) for line in csv.DictReader(file)]
        store = Store(open_images(prepared), open_thumbnails(prepared), about)
        self._rows |= {digest: (store, row) for row, digest in enumerate(record["files"]) if digest}


def variants(folder: Path, section: Preprocess) -> list[Path]:
    """Return the folders of images below `folder` that a study prepared with these settings."""
    return sorted(folder.glob(f"{settings(section)[:SHORT]}-*/{PREPARED.folder.name}"))


def settings(section: Preprocess) -> str:
    """Hash what a prepared image depends on besides its file: the values, the code and the versions of libraries."""
    versions = [[name, *(found.version for found in distributions(name=name))] for name in LIBRARIES]
    return files.digest_of(canonical([preprocessing(section), digest_of_code(), versions]))


@lru_cache(maxsize=1)
def digest_of_code() -> str:
    """Hash the code that prepares images, since an edited step makes other images with the same parameters."""
    rooms = (Path(images.__file__).parent, Path(__file__).parent)
    return files.digest_of("".join(files.digest(path) for room in rooms for path in sorted(room.rglob("*.py"))))


def _store(prepared: Prepared) -> tuple[Path, ...]:
    return prepared.images, prepared.thumbnails, prepared.index


def _digest_of_store(prepared: Prepared) -> str:
    return files.digest_of("".join(map(files.digest, _store(prepared))))
