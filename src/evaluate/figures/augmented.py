"""What augmentation makes of a few training images, with the very functions that training uses."""

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from src.config import Augment
from src.evaluate.figures.batch import as_shown
from src.evaluate.gallery import FigureEntry
from src.evaluate.inputs import Image
from src.images.contact_sheet import Cell, sheet
from src.plotting import style
from src.train.augment import draws, matrices, tone, warp

Pixels = NDArray[np.uint8]
ROWS = 4
EPOCHS = 5


def draw(train: list[Image], images: Pixels, augment: Augment, seed: int) -> Pixels | None:
    """Draw a line an image: as prepared, then as training sees it in its first epochs; None without images.

    Images are taken evenly from each class in turn. images: the packed store (M, H, W, C).
    """
    chosen = choose(train)
    numbers = [draws(seed, epoch, len(images)) for epoch in range(1, EPOCHS + 1)]
    rows = []
    for image in chosen:
        pixels = np.asarray(images[image.row])
        changed = [_augmented(pixels, augment, draw[image.row : image.row + 1]) for draw in numbers]
        name = f"{style.shorten(image.label, 18)}\n{style.shorten(PurePosixPath(image.path).stem, 18)}"
        captions = [f"epoch {epoch}" for epoch in range(1, EPOCHS + 1)]
        rows.append([Cell(pixels, name), *(Cell(*pair) for pair in zip(changed, captions, strict=True))])
    return sheet(rows, side=150) if rows else None


def choose(train: list[Image]) -> list[Image]:
    """Pick up to four images, going through the classes in turn."""
    labels = sorted({image.label for image in train})
    queues = [[image for image in train if image.label == label] for label in labels]
    turns = (queue[turn] for turn in range(ROWS) for queue in queues if turn < len(queue))
    return [image for image, _ in zip(turns, range(ROWS), strict=False)]


def _augmented(pixels: Pixels, augment: Augment, draw: NDArray[np.float64]) -> Pixels:
    warped = warp(pixels[None], matrices(augment, draw, *pixels.shape[:2]), augment.fill)
    return as_shown(tone(warped, augment, draw)[0])


FIGURES = (
    FigureEntry(
        90,
        "augmented",
        "Augmentation",
        "Training images as prepared, and as the training saw them in its first epochs.",
        lambda material: draw(material.train, material.pixels, material.training.augment, material.seed),
    ),
)
