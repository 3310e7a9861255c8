"""The data that training may use: images and labels of train and val, in batches from the memory-mapped store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.config import Augment
from src.core import files, partition, random_streams
from src.core.errors import AssayError, suggestion
from src.core.partition import FITTED
from src.core.paths import Prepared, SplitFiles
from src.images.store import open_images
from src.images.worker_threads import ordered
from src.train import augment, class_balance

Pixels = NDArray[np.float32]
Numbers = NDArray[np.int64]
Batch = tuple[Pixels, Numbers]


@dataclass(frozen=True)
class Part:
    """Rows of the packed store (N,) and their class numbers (N,)."""

    rows: NDArray[np.int64]
    targets: NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """The packed images uint8 (N, H, W, C), class names in output order, and the parts; no test rows.

    Without val the best epoch is unknown, and the weights of the last one are kept.
    """

    images: NDArray[np.uint8]
    classes: tuple[str, ...]
    train: Part
    val: Part | None


def load(prepared: Prepared, split: SplitFiles, positive: str | None = None) -> Data:
    """Open the packed store memory-mapped and select train and val.

    Raises:
        AssayError: files are missing or do not match, `positive` is not a label, or a part lacks classes.
    """
    places = partition.read(split.parts, len(_labels(prepared.index)))
    rows = {part: [place.row for place in places if place.part == part] for part in FITTED}
    return choose(prepared, rows, positive, split.parts)


def choose(prepared: Prepared, rows: Mapping[str, Sequence[int]], positive: str | None, where: Path) -> Data:
    """Open the packed store memory-mapped and select the rows of train and val; `where` names their source in errors.

    Raises:
        AssayError: as `load`.
    """
    labels = _labels(prepared.index)
    images = open_images(prepared)
    if len(images) != len(labels):
        raise AssayError(f"{prepared.images}: expected {len(labels)} images as in index.csv, found {len(images)}")
    classes = order(labels, positive)
    numbers = np.array([classes.index(label) for label in labels], np.int64)
    chosen = {part: np.array(rows[part], np.int64) for part in FITTED if part in rows}
    parts = {part: Part(places, numbers[places]) for part, places in chosen.items()}
    train, val = parts["train"], parts.get("val")
    _check(where, classes, train, val)
    return Data(images, classes, train, val)


def order(labels: Sequence[str], positive: str | None) -> tuple[str, ...]:
    """Sort the class names; with two classes the positive one comes last.

    >>> order(["ill", "well", "ill"], "ill")
    ('well', 'ill')
    """
    classes = tuple(sorted(set(labels)))
    if positive is not None and positive not in classes:
        hint = suggestion(positive, classes)
        raise AssayError(f"dataset.positive: expected one of {', '.join(classes)}, found {positive!r}{hint}")
    if len(classes) == 2 and positive == classes[0]:
        return classes[::-1]
    return classes


def _labels(path: Path) -> list[str]:
    labels = [line["label"] for line in files.read_csv(path, ("label",))]
    if "" in labels:
        raise AssayError(f"{path}, line {labels.index('') + 2}: expected a label, found an empty cell")
    return labels


def _check(path: Path, classes: tuple[str, ...], train: Part, val: Part | None) -> None:
    if len(classes) < 2:
        raise AssayError(f"{path}: expected at least two classes, found {', '.join(classes) or 'none'}")
    absent = [name for number, name in enumerate(classes) if number not in train.targets]
    if absent:
        raise AssayError(f"{path}: expected every class in train, found no image of {', '.join(absent)}")
    if val is None:
        return
    labels = sorted({classes[number] for number in val.targets})
    if len(labels) < 2:
        found = f"{len(val.rows)} images of {labels[0]}" if labels else "none"
        raise AssayError(f"{path}: expected images of at least two classes in val, found {found}; raise split.val")


@dataclass(frozen=True)
class Batches:
    """Batches of pixels (B, H, W, C) in 0..255, or of features, with class numbers (B,), from one part of a store."""

    images: NDArray[Any]
    part: Part
    size: int
    threads: int = 1

    def __len__(self) -> int:
        return -(-len(self.part.rows) // self.size)

    def plain(self) -> Iterator[Batch]:
        """Return the batches of the part in its own order, without augmentation."""
        rows, targets = self.part.rows, self.part.targets

        def batch(number: int) -> Batch:
            here = slice(number * self.size, (number + 1) * self.size)
            return self.images[rows[here]].astype(np.float32), targets[here]

        return ordered(batch, range(len(self)), self.threads, ahead=1)

    def augmented(self, section: Augment, seed: int, epoch: int, balanced: str = "none") -> Iterator[Batch]:
        """Return the batches of the part, shuffled and augmented; both depend only on seed and epoch.

        balanced: oversample and undersample change how often an image occurs; each time it is augmented differently.
        """
        order = self.order(seed, epoch, balanced)
        rows, targets = self.part.rows[order], self.part.targets[order]
        height, width = self.images.shape[1:3]
        draws = augment.draws_of(rows, seed, epoch, len(self.images))
        matrices = augment.matrices(section, draws, height, width)

        def batch(number: int) -> Batch:
            here = slice(number * self.size, (number + 1) * self.size)
            warped = augment.warp(self.images[rows[here]], matrices[here], section.fill)
            return augment.tone(warped, section, draws[here]), targets[here]

        return ordered(batch, range(-(-len(order) // self.size)), self.threads, ahead=1)

    def order(self, seed: int, epoch: int, balanced: str = "none") -> Numbers:
        """Return the positions in the part (M,) in the order in which an epoch uses them."""
        chosen = class_balance.chosen(self.part.targets, balanced, seed, epoch)
        return chosen[random_streams.stream(seed, "shuffle", epoch).permutation(len(chosen))]
