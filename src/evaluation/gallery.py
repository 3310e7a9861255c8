"""Which figures there are, in which order, and what one sentence says about each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image as Pillow

from src.evaluation.figures import (
    augmented,
    calibration,
    confusion,
    counts,
    learning,
    mistakes,
    precision_recall,
    roc,
    scores,
    style,
)
from src.evaluation.findings import Findings
from src.evaluation.tables import Image, count
from src.files import replacing
from src.params import Augment

Drawing = Figure | NDArray[np.uint8]


@dataclass(frozen=True)
class Material:
    """What the figures are drawn from; images: the packed store (M, H, W, C)."""

    found: Findings
    images: list[Image]
    pixels: NDArray[np.uint8]
    history: Mapping[str, list[float]]
    augment: Augment
    seed: int
    mistakes: int


@dataclass(frozen=True)
class Picture:
    """A figure as it stands on the disk, with its title and one sentence about it."""

    path: Path
    title: str
    caption: str


def draw_all(material: Material, folder: Path) -> list[Picture]:
    """Draw every figure that the material suffices for into a folder that replaces the one before."""
    pictures = []
    with replacing(folder) as temporary, style.applied():
        temporary.mkdir()
        for name, title, caption, drawing in _drawings(material):
            if drawing is None:
                continue
            if isinstance(drawing, Figure):
                style.save(drawing, temporary / f"{name}.png")
            else:
                Pillow.fromarray(drawing).save(temporary / f"{name}.png")
            pictures.append(Picture(folder / f"{name}.png", title, caption))
    return pictures


def _drawings(material: Material) -> Iterator[tuple[str, str, str, Drawing | None]]:
    found, test = material.found, material.found.test
    yield (
        "confusion",
        "Confusion matrix",
        "Every test image by its true class and the class it was taken for: counts, and percent of each true class.",
        confusion.draw(test.labels, found.decisions, test.classes),
    )
    yield (
        "roc",
        "ROC curve",
        "What share of the cases is found at the price of which share of false alarms, at every threshold"
        + (", and how far that moves with other groups." if test.binary else "."),
        roc.draw(found),
    )
    yield (
        "precision_recall",
        "Precision-recall curve",
        "How many alarms are right as more of the cases are found; chance is the share of cases in the test part.",
        precision_recall.draw(found),
    )
    yield (
        "scores",
        "Probabilities by true class",
        "The further the classes lie apart, the better the model tells them apart.",
        scores.draw(test, found.threshold.value if found.threshold else None),
    )
    yield (
        "calibration",
        "Calibration",
        "Whether probabilities can be taken at their word: points on the diagonal can, larger ones hold more images.",
        calibration.draw(test, found.decisions, found.calibration),
    )
    yield from _course(material)


def _course(material: Material) -> Iterator[tuple[str, str, str, Drawing | None]]:
    found = material.found
    train = [image for image in material.images if image.part == "train"]
    yield (
        "learning",
        "Learning curves",
        "The course of the training; the model has the weights of the epoch with the lowest val loss.",
        learning.draw(material.history) if material.history.get("epoch") else None,
    )
    yield (
        "counts",
        "Images in each part",
        "How the images of each class are divided; a group (patient, slide or source image) stands in one part only.",
        counts.draw(count(material.images), found.test.classes),
    )
    yield (
        "mistakes",
        "The most confident mistakes",
        "Test images whose true class the model held for least probable: true class, then what they were taken for.",
        mistakes.draw(found.test, found.decisions, material.pixels, material.mistakes),
    )
    yield (
        "augmented",
        "Augmentation",
        "Training images as prepared, and as the training saw them in its first epochs.",
        augmented.draw(train, material.pixels, material.augment, material.seed),
    )
