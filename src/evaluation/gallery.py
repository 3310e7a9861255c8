"""Which figures there are, in which order, and what one sentence says about each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image as Pillow

from src.evaluation.attention.cases import CLASSES, Seen
from src.evaluation.figures import (
    attention,
    augmented,
    batch,
    calibration,
    confusion,
    counts,
    examples,
    intensity,
    learning,
    mistakes,
    precision_recall,
    roc,
    scores,
    style,
)
from src.evaluation.findings import Findings
from src.evaluation.tables import Image, Listed, count
from src.files import replacing
from src.params import Augment

Drawing = Figure | NDArray[np.uint8]


class Fed(NamedTuple):
    """How the training made its batches."""

    augment: Augment
    batch_size: int
    balance: str


@dataclass(frozen=True)
class Material:
    """What the figures are drawn from; pixels: the packed store (M, H, W, C); histograms: columns by name."""

    found: Findings
    images: list[Image]
    pixels: NDArray[np.uint8]
    history: Mapping[str, list[float]]
    listed: list[Listed]
    histograms: Mapping[str, list[float]]
    fed: Fed
    seed: int
    mistakes: int
    seen: Seen


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
    yield (
        "mistakes",
        "The most confident mistakes",
        "Test images whose true class the model held for least probable: true class, then what they were taken for.",
        mistakes.draw(test, found.decisions, material.pixels, material.mistakes),
    )
    yield from _course(material)
    yield from _data(material)
    yield from _attention(material)


def _course(material: Material) -> Iterator[tuple[str, str, str, Drawing | None]]:
    train = [image for image in material.images if image.part == "train"]
    augment, size, balance = material.fed
    yield (
        "learning",
        "Learning curves",
        "The course of the training; the model has the weights of the epoch with the lowest val loss.",
        learning.draw(material.history) if material.history.get("epoch") else None,
    )
    yield (
        "batch",
        "A training batch",
        f"The first batch of the training, as the model got it and with the labels it was told (at most {batch.MOST}).",
        batch.draw(train, material.pixels, material.found.test.classes, augment, size, balance, material.seed),
    )
    yield (
        "augmented",
        "Augmentation",
        "Training images as prepared, and as the training saw them in its first epochs.",
        augmented.draw(train, material.pixels, augment, material.seed),
    )


def _data(material: Material) -> Iterator[tuple[str, str, str, Drawing | None]]:
    classes = material.found.test.classes
    train = [image for image in material.images if image.part == "train"]
    yield (
        "examples",
        "One image of each class",
        "An image of the train part for each class, as the model sees it.",
        examples.draw(train, material.pixels, classes),
    )
    yield (
        "counts",
        "Images of each class",
        "How the images of each class are divided; a group (patient, slide or source image) stands in one part only."
        + (" Below: what the source holds, and what its own table lists." if material.listed else ""),
        counts.draw(count(material.images), classes, material.listed),
    )
    yield (
        "intensity",
        "Intensities before and after the preparation",
        "Mean over all images of the share of the pixels at each level.",
        intensity.draw(material.histograms),
    )


def _attention(material: Material) -> Iterator[tuple[str, str, str, Drawing | None]]:
    test, seen = material.found.test, material.seen
    which = "each class" if len(test.classes) <= CLASSES else f"the {CLASSES} classes with the most mistakes"
    shown = (
        f"the surest right and wrong decisions of {which}, each of another group; "
        "above the pictures the true class, the class taken for and its probability."
    )
    same = ", which is the map above but for scale" if seen.cam is not None else ""
    yield (
        "cam",
        "Class activation maps",
        f"Where the averaged feature maps speak for the class taken for: {shown}",
        attention.draw(test, seen, "cam"),
    )
    yield (
        "grad_cam",
        "Grad-CAM",
        f"Where the last feature maps speak for the class taken for, by the slope of its logit{same}: {shown}",
        attention.draw(test, seen, "grad_cam"),
    )
    yield (
        "hires_cam",
        "HiResCAM",
        "As Grad-CAM, but with the slope at each place instead of its mean over the map, so that what a dense layer "
        f"makes of each place is kept: {shown}",
        attention.draw(test, seen, "hires_cam"),
    )
