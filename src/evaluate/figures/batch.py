"""The first batch of the training, as the model got it."""

import numpy as np
from numpy.typing import NDArray

from src.config import Augment
from src.evaluate.gallery import FigureEntry
from src.evaluate.inputs import Image
from src.images.contact_sheet import Cell, sheet
from src.plotting import style
from src.train.batches import Batches
from src.train.data import Part

COLUMNS = 8
MOST = 32  # images; larger batches are cut
SIDE = 108  # pixels of a cell: eight of them fill the page of the report


def draw(
    train: list[Image],
    images: NDArray[np.uint8],
    classes: tuple[str, ...],
    augment: Augment,
    size: int,
    balance: str,
    seed: int,
) -> NDArray[np.uint8] | None:
    """Draw the images of the first batch, augmented and balanced, above their labels; None without images.

    images: the packed store (M, H, W, C). size: images of a batch.
    """
    if not train:
        return None
    rows = np.array([image.row for image in train], dtype=np.int64)
    targets = np.array([classes.index(image.label) for image in train], dtype=np.int64)
    batch = next(Batches(images, Part(rows, targets), size).augmented(augment, seed, 1, balance))
    names = style.shorten_all(classes, 16)
    cells = [Cell(as_shown(pixels), names[target]) for pixels, target in zip(*batch, strict=True)][:MOST]
    return sheet([cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)], side=SIDE, below=True)


def as_shown(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round what the model gets, in 0..255, to what a picture can hold."""
    return np.asarray(np.clip(np.rint(pixels), 0, 255), dtype=np.uint8)


FIGURES = (
    FigureEntry(
        80,
        "batch",
        "A training batch",
        f"The first batch of the training, as the model got it, with its labels (at most {MOST}).",
        lambda material: draw(
            material.train,
            material.pixels,
            material.results.test.classes,
            material.training.augment,
            material.training.batch_size,
            material.training.balance,
            material.seed,
        ),
    ),
)
