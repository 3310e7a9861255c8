"""What workers without a shared folder need, packed under the hash of its content: the code, the images to train on.

Of images only those of train and val are packed, and no label of any other: a worker could not look at test rows if it
wanted to. They keep their places in the store, since what augmentation does to an image depends on its place.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.files import read_csv
from src.imaging.store import open_images
from src.params import Preprocess
from src.parts import FITTED, read
from src.paths import Prepared, Split
from src.tuning.cluster.receiving import Piece

CHUNK = 8 * 2**20  # bytes of a message


@dataclass(frozen=True)
class Parcel:
    """Files by their sizes in bytes, the pieces of them that are sent, and the sha256 of these pieces."""

    what: str
    digest: str
    sizes: Mapping[str, int]
    pieces: Callable[[], Iterator[Piece]]

    def messages(self) -> Iterator[list[Piece]]:
        """Give the pieces in order, as many at once as make a message."""
        waiting: list[Piece] = []
        size = 0
        for piece in self.pieces():
            waiting.append(piece)
            size += len(piece[2])
            if size >= CHUNK:
                yield waiting
                waiting, size = [], 0
        if waiting:
            yield waiting


def of_code(root: Path) -> Parcel:
    """Pack the folder src of a repository, without what Python compiled."""
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / "src").rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return _parcel("code", files)


def of_images(prepared: Prepared, split: Split, preprocess: Preprocess) -> Parcel:
    """Pack train and val as the files that the pipeline would have made, laid out like a repository.

    In index.csv a row of another part has the label of some row of train.

    Raises:
        AssayError: the prepared images are missing or damaged.
    """
    images = open_images(prepared)
    labels = [line["label"] for line in read_csv(prepared.index, ("label",))]
    parts = {row: part for row, part, _ in read(split.parts, len(labels)) if part in FITTED}
    anything = labels[min(parts, default=0)]
    shown = [{"label": label if row in parts else anything} for row, label in enumerate(labels)]
    files = {
        "dvc.lock": _lock(preprocess),
        "build/prepared/index.csv": _table(("label",), shown),
        "build/split/split.csv": _table(("row", "part"), [{"row": row, "part": parts[row]} for row in sorted(parts)]),
    }
    length = int(np.prod(images.shape[1:]))
    start = prepared.images.stat().st_size - images.size
    with prepared.images.open("rb") as file:
        header = file.read(start)

    def rows() -> Iterator[Piece]:
        yield "build/prepared/images.npy", 0, header
        for row in sorted(parts):
            yield "build/prepared/images.npy", start + row * length, images[row].tobytes()

    return _parcel("images", files, {"build/prepared/images.npy": start + images.size}, rows)


def _parcel(
    what: str,
    files: Mapping[str, bytes],
    sizes: Mapping[str, int] | None = None,
    more: Callable[[], Iterator[Piece]] = lambda: iter(()),
) -> Parcel:
    def pieces() -> Iterator[Piece]:
        for name, content in files.items():
            yield name, 0, content
        yield from more()

    known = hashlib.sha256()
    for name, offset, content in pieces():
        known.update(f"{name}:{offset}:{len(content)}:".encode())
        known.update(content)
    lengths = {name: len(content) for name, content in files.items()} | dict(sizes or {})
    return Parcel(what, known.hexdigest(), lengths, pieces)


def _lock(preprocess: Preprocess) -> bytes:
    """Say, as DVC's record does, what the images were made with, so that a trial there takes them for its own."""
    params = {"params.yaml": {"preprocess": preprocess.model_dump(mode="json")}}
    return json.dumps({"stages": {"preprocess": {"params": params}}}, sort_keys=True).encode()


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
