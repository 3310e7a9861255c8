"""A small packed store whose classes a network can tell apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from src.core import paths
from src.metrics.objectives import Row

SIDE = 20
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Store:
    """Folders as the stages before training leave them, and one to write into."""

    root: Path

    @property
    def prepared(self) -> paths.Prepared:
        return paths.Prepared(self.root / "prepared")

    @property
    def split(self) -> paths.SplitFiles:
        return paths.SplitFiles(self.root / "split")

    @property
    def model(self) -> paths.ModelFiles:
        return paths.ModelFiles(self.root / "model")

    def write(self, images: NDArray[np.uint8], labels: list[str], parts: list[str]) -> None:
        """Write images.npy, index.csv and split.csv."""
        for folder in (self.prepared.folder, self.split.folder):
            folder.mkdir(parents=True, exist_ok=True)
        np.save(self.prepared.images, images)
        lines = [f"{label}/{row}.png,{label},,\n" for row, label in enumerate(labels)]
        self.prepared.index.write_text("path,label,group,fold\n" + "".join(lines))
        self.split.parts.write_text("row,part\n" + "".join(f"{row},{part}\n" for row, part in enumerate(parts)))


def build_store(root: Path, classes: tuple[str, ...] = ("CT_COVID", "CT_NonCOVID"), images: int = 60) -> Store:
    """Make a store: a third of the images in each part, those of class k brighter in the k-th quarter."""
    random = np.random.default_rng(7)
    numbers = np.arange(images) // len(PARTS) % len(classes)
    pixels = random.integers(0, 120, (images, SIDE, SIDE, 1))
    for row, number in enumerate(numbers):
        top, left = divmod(int(number), 2)
        pixels[row, top * 10 : top * 10 + 10, left * 10 : left * 10 + 10] += 100
    store = Store(root)
    parts = [PARTS[row % len(PARTS)] for row in range(images)]
    store.write(pixels.astype(np.uint8), [classes[number] for number in numbers], parts)
    return store


def rows(*losses: float) -> list[Row]:
    """Make the rows of a history with these losses on val."""
    train = {"loss": 0.5, "accuracy": 0.75, "auc": 2 / 3, "precision": 0.25, "recall": 1.0}
    others = train | {f"val_{name}": 0.5 for name in train} | {"learning_rate": 1e-4}
    return [{**others, "epoch": number, "val_loss": loss} for number, loss in enumerate(losses, start=1)]


def at_once(step: Any, _: Any) -> Any:
    """Take the place of the compilation of steps, where it takes many times as long as the few steps of a test."""
    import tensorflow as tf

    return lambda pixels, targets: tuple(part.numpy() for part in step(tf.constant(pixels), tf.constant(targets)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a store of two classes, twenty images in each part."""
    return build_store(tmp_path / "store")
