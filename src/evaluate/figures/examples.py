"""Contact sheets: augmented images, the first batch, one image of each class, the most confident mistakes."""

from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from src import plotting
from src.config import Augment
from src.evaluate.gallery import FigureEntry, Training
from src.evaluate.inputs import Image
from src.images.contact_sheet import Cell, sheet
from src.images.pixels import Pixels
from src.metrics.predictions import Integers, Scored
from src.train.augment import draws, matrices, tone, warp
from src.train.data import Batches, Part

AUGMENTED, EPOCHS = 4, 5  # images, and epochs of each
MOST = 32  # images of the batch that are shown


def augmented(train: Sequence[Image], images: Pixels, augment: Augment, seed: int) -> Pixels | None:
    """Draw a row per image: as prepared, then as augmented in the first epochs; None without images.

    Images are taken from each class in turn. images: the packed store (M, H, W, C).
    """
    epochs = range(1, EPOCHS + 1)
    numbers = [draws(seed, epoch, len(images)) for epoch in epochs]
    rows = []
    for image in in_turn(train):
        pixels = np.asarray(images[image.row])
        changed = [_augmented(pixels, augment, draw[image.row : image.row + 1]) for draw in numbers]
        cells = [Cell(each, f"epoch {epoch}") for each, epoch in zip(changed, epochs, strict=True)]
        rows.append([Cell(pixels, f"{plotting.shorten(image.label, 18)}\n{_file(image.path, 18)}"), *cells])
    return sheet(rows, side=150) if rows else None


def in_turn(train: Sequence[Image]) -> list[Image]:
    """Pick up to four images, going through the classes in turn."""
    labels = sorted({image.label for image in train})
    queues = [[image for image in train if image.label == label] for label in labels]
    turns = (queue[turn] for turn in range(AUGMENTED) for queue in queues if turn < len(queue))
    return list(islice(turns, AUGMENTED))


def _augmented(pixels: Pixels, augment: Augment, draw: NDArray[np.float64]) -> Pixels:
    warped = warp(pixels[None], matrices(augment, draw, *pixels.shape[:2]), augment.fill)
    return _as_shown(tone(warped, augment, draw)[0])


def batch(
    train: Sequence[Image], images: Pixels, classes: tuple[str, ...], training: Training, seed: int
) -> Pixels | None:
    """Draw the images of the first batch, augmented and balanced, above their labels; None without images."""
    if not train:
        return None
    rows = np.array([image.row for image in train], dtype=np.int64)
    targets = np.array([classes.index(image.label) for image in train], dtype=np.int64)
    batches = Batches(images, Part(rows, targets), training.batch_size)
    first = next(batches.augmented(training.augment, seed, 1, training.balance))
    names = plotting.shorten_all(classes, 16)
    cells = [Cell(_as_shown(pixels), names[target]) for pixels, target in zip(*first, strict=True)][:MOST]
    return sheet(_rows(cells, 8), side=108, below=True)


def examples(train: Sequence[Image], images: Pixels, classes: tuple[str, ...]) -> Pixels | None:
    """Draw an example of each class above its class and file name; None without train images."""
    chosen = zip(in_the_middle(train, classes), plotting.shorten_all(classes), strict=True)
    cells = [Cell(np.asarray(images[image.row]), f"{name}\n{_file(image.path, 26)}") for image, name in chosen if image]
    return sheet(_rows(cells, 5), side=180, below=True) if cells else None


def in_the_middle(train: Sequence[Image], classes: tuple[str, ...]) -> list[Image | None]:
    """Pick the middle image of each class in the order of paths; None for a class without train images.

    The first and last images of a collection are often unusual.
    """
    by_path = sorted(train, key=lambda image: image.path)
    members = [[image for image in by_path if image.label == name] for name in classes]
    return [images[len(images) // 2] if images else None for images in members]


def mistakes(scored: Scored, decisions: Integers, images: Pixels, most: int) -> Pixels | None:
    """Draw the worst mistakes with file name, true → predicted class and its probability; None if none."""
    names = plotting.shorten_all(scored.classes, 14)
    cells = []
    for place in worst(scored, decisions, most).tolist():
        true, predicted = scored.labels[place], decisions[place]
        probability = f"probability {scored.probabilities[place, predicted]:.3f}"
        caption = f"{_file(scored.paths[place], 24)}\n{names[true]} → {names[predicted]}\n{probability}"
        cells.append(Cell(np.asarray(images[scored.rows[place]]), caption))
    return sheet(_rows(cells, 6)) if cells else None


def worst(scored: Scored, decisions: Integers, most: int) -> Integers:
    """Return the positions (M,) of up to `most` misclassified images, lowest probability of the true class first."""
    wrong = np.flatnonzero(decisions != scored.labels)
    probability = scored.probabilities[wrong, scored.labels[wrong]]
    return wrong[np.argsort(probability, kind="stable")[:most]]


def _rows(cells: list[Cell], columns: int) -> list[list[Cell]]:
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def _file(path: str, longest: int) -> str:
    return plotting.shorten(PurePosixPath(path).stem, longest)


def _as_shown(pixels: NDArray[np.float32]) -> Pixels:
    """Round pixels in 0..255, as the model gets them, to uint8."""
    return np.asarray(np.clip(np.rint(pixels), 0, 255), dtype=np.uint8)


FIGURES = (
    FigureEntry(60, "mistakes", "The most confident mistakes",
        "Misclassified test images with the lowest probability of the true class: true class, then predicted class.",
        lambda of: mistakes(of.results.test, of.results.decisions, of.pixels, of.mistakes)),
    FigureEntry(80, "batch", "A training batch",
        f"The first batch of the training, as the model got it, with its labels (at most {MOST}).",
        lambda of: batch(of.train, of.pixels, of.results.test.classes, of.training, of.seed)),
    FigureEntry(90, "augmented", "Augmentation",
        "Training images as prepared, and as the training saw them in its first epochs.",
        lambda of: augmented(of.train, of.pixels, of.training.augment, of.seed)),
    FigureEntry(100, "examples", "One image of each class",
        "An image of the train part for each class, as the model sees it.",
        lambda of: examples(of.train, of.pixels, of.results.test.classes)),
)  # fmt: skip
