"""The code and the images for workers without a shared folder, sent in pieces and named by the hash of their content.

Only the images that a job uses are sent, those of train and val or of the folds of a cross-validation, and no label of
any other image: a worker cannot see test rows. Images keep their row numbers in the store, since the augmentation of an
image depends on its row.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.config import parse
from src.core.files import csv_text, read_csv
from src.core.partition import FITTED, read
from src.executors import variants
from src.executors.protocol import Job
from src.images.store import open_images

CHUNK = 8 * 2**20  # bytes per message
STORE = "build/prepared/images.npy"
Messages = Callable[[], Iterable[list[tuple[str, int, bytes]]]]  # pieces: file name, offset, content


class Upload(NamedTuple):
    """Files in pieces, and the SHA-256 of the pieces."""

    digest: str
    messages: Messages


def hashed(messages: Messages) -> Upload:
    """Hash the pieces in their order."""
    known = hashlib.sha256()
    for name, offset, content in (piece for pieces in messages() for piece in pieces):
        known.update(f"{name}:{offset}:{len(content)}:".encode() + content)
    return Upload(known.hexdigest(), messages)


def of_code(root: Path) -> Upload:
    """Return the folder src of a repository, without compiled Python files."""
    files = [path for path in sorted((root / "src").rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    pieces = [(path.relative_to(root).as_posix(), 0, path.read_bytes()) for path in files]
    return hashed(lambda: [pieces])


def of_images(job: Job, home: Path) -> Upload:
    """Return the images for a job, after preparing them here if necessary; hash them again when their files change.

    Raises:
        AssayError: they are missing or damaged, or cannot be prepared.
    """
    params = parse(dict(job.params))
    found = variants.prepared(params, home)
    made_with = {"params.yaml": {"preprocess": params.preprocess.model_dump(mode="json")}}
    record = json.dumps({"stages": {"preprocess": {"params": made_with}}}, sort_keys=True)
    rows = job.fold and tuple(sorted((*job.fold.train, *job.fold.val, *job.fold.held)))
    return _images(found, rows, record, variants.signature(found))


@cache
def _images(data: variants.Data, rows: tuple[int, ...] | None, record: str, _: variants.Signature) -> Upload:
    """Return the given rows, or train and val, as the files that the pipeline writes, with a dvc.lock of their params.

    In index.csv every row that is not sent has the label of one that is, so that its own label stays secret.
    """
    images = open_images(data.prepared)
    labels = [line["label"] for line in read_csv(data.prepared.index, ("label",))]
    parts = {row: part for row, part, _ in read(data.split.parts, len(labels)) if part in FITTED}
    parts = parts if rows is None else dict.fromkeys(rows, FITTED[0])
    anything = labels[min(parts, default=0)]
    index = csv_text(("label",), ((label if row in parts else anything,) for row, label in enumerate(labels)))
    texts = {
        "dvc.lock": record,
        "build/prepared/index.csv": index,
        "build/split/split.csv": csv_text(("row", "part"), sorted(parts.items())),
    }
    size, length = data.prepared.images.stat().st_size, int(np.prod(images.shape[1:]))
    with data.prepared.images.open("rb") as file:
        header = file.read(size - images.size)

    def messages() -> Iterator[list[tuple[str, int, bytes]]]:
        yield [*((name, 0, text.encode()) for name, text in texts.items()), (STORE, 0, header)]
        ordered, at_once = sorted(parts), max(1, CHUNK // length)
        for start in range(0, len(ordered), at_once):
            chosen = ordered[start : start + at_once]
            yield [(STORE, len(header) + row * length, images[row].tobytes()) for row in chosen]
        yield [(STORE, size, b"")]  # sets the size of the file, whose last rows may be test rows that are not sent

    return hashed(messages)
