"""What the last run of the stage prepared: an image is taken from there while its file, the settings and the code stay.

DVC removes the outputs of a stage before it runs, so the packed arrays are held outside of them, by a hard link. That
takes no time, but room: DVC puts a copy of its own in the place of what the stage wrote. Outputs have the same bytes as
without all this.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from src.config import Preprocess
from src.core import files
from src.core.errors import AssayError
from src.core.paths import Prepared
from src.images.decode import Facts
from src.images.pixels import Pixels
from src.images.store import CROP, FACTS, open_images, open_thumbnails
from src.preprocess.pipeline import Box, settings

RECORD = "record.npz"
NUMBERS = [name for name in (*FACTS, *CROP) if name != "format"]


class LastRun:
    """The images that a run wrote, found by the sha256 of their files; none where anything else has changed since."""

    def __init__(self, folder: Path, section: Preprocess) -> None:
        self._folder, self._settings = folder, settings(section)
        self._rows: dict[bytes, int] = {}
        held = Prepared(folder)
        try:
            with np.load(folder / RECORD, allow_pickle=False) as record:
                known = {name: record[name] for name in record.files}
            if [str(known["settings"]), str(known["store"])] != [self._settings, _digest_of_store(held)]:
                return
            self._images, self._thumbnails = open_images(held), open_thumbnails(held)
            self._numbers, self._formats = known["numbers"], known["formats"]
            self._rows = {source.tobytes(): row for row, source in enumerate(known["sources"])}
        except (OSError, EOFError, KeyError, ValueError, BadZipFile, AssayError):
            return  # no record, or a damaged one

    def find(self, source: bytes) -> int | None:
        """Return the row of the image whose file has this digest, if there is one."""
        return self._rows.get(source)

    def image(self, row: int) -> tuple[Pixels, Pixels, Facts, Box | None]:
        """Return an image (H, W, C), its thumbnail (64, 64, 1), the facts of its file and the box that was cut."""
        width, height, channels, size, *box = self._numbers[row].tolist()
        facts = Facts(width, height, channels, str(self._formats[row]), size)
        return self._images[row], self._thumbnails[row], facts, Box(*box) if box[0] >= 0 else None

    def replace(self, prepared: Prepared, sources: list[bytes]) -> None:
        """Hold a run by the digests of its files, in the order of its rows; not where there are no hard links."""
        self._rows = {}
        self._images = self._thumbnails = np.empty((0, 0, 0, 0), np.uint8)  # some file systems keep what is still open
        content: dict[str, Any] = {
            "settings": self._settings,
            "store": _digest_of_store(prepared),
            "sources": np.frombuffer(b"".join(sources), np.uint8).reshape(len(sources), -1),
            "numbers": np.fromiter(_read(prepared, NUMBERS), np.dtype((np.int64, len(NUMBERS))), len(sources)),
            "formats": np.array([kind for (kind,) in _read(prepared, ["format"])]),
        }
        with suppress(OSError, AssayError), files.replacing(self._folder) as temporary:
            temporary.mkdir()
            for path in (prepared.images, prepared.thumbnails):
                os.link(path, temporary / path.name)
            np.savez(temporary / RECORD, **content)


def _read(prepared: Prepared, columns: Sequence[str]) -> Iterator[list[Any]]:
    """Yield cells of the index, row by row: whole numbers, of which an empty one is -1, and other texts."""
    with prepared.index.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            yield [line[name] if name == "format" else int(line[name] or -1) for name in columns]


def digest(path: Path) -> bytes:
    """Return the sha256 of a file, 32 bytes; nothing where it cannot be read, which decoding it will tell."""
    try:
        return bytes.fromhex(files.digest(path))
    except (OSError, AssayError):
        return b""


def _digest_of_store(prepared: Prepared) -> str:
    return files.digest_of("".join(map(files.digest, (prepared.images, prepared.thumbnails))))
