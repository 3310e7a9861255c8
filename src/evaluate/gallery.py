"""The figures of an evaluation: every file in figures/ that names some in FIGURES adds them to the report."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image as Pillow

from src.config import Augment
from src.core import registry
from src.core.files import replacing
from src.core.progress import track
from src.evaluate.cam.cases import Cams
from src.evaluate.inputs import Image, Listed
from src.evaluate.layers import Layer
from src.evaluate.results import Results
from src.plotting import style

PACKAGE = "evaluate.figures"
Drawing = Figure | NDArray[np.uint8]


class Training(NamedTuple):
    """How the training made its batches."""

    augment: Augment
    batch_size: int
    balance: str

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> "Training":
        """Read what the figures need from the section train of params.yaml."""
        return cls(Augment.model_validate(section["augment"]), section["batch_size"], section["balance"])


@dataclass(frozen=True)
class Material:
    """What the figures are drawn from; pixels: the packed store (M, H, W, C); histograms: columns by name.

    levels: the sheet of images beside their own histograms, None where there is none.
    """

    results: Results
    images: list[Image]
    pixels: NDArray[np.uint8]
    history: Mapping[str, list[float]]
    listed: list[Listed]
    histograms: Mapping[str, list[float]]
    levels: NDArray[np.uint8] | None
    training: Training
    seed: int
    mistakes: int
    cams: Cams
    layers: list[Layer]

    @property
    def train(self) -> list[Image]:
        """The images of the train part."""
        return [image for image in self.images if image.part == "train"]


@dataclass(frozen=True)
class FigureEntry:
    """A figure: its place in the report, the name of its file, its title, one sentence about it, and how it is drawn.

    draw gives None where the material does not suffice, and then there is no such figure.
    """

    order: int
    name: str
    title: str
    caption: str | Callable[[Material], str]
    draw: Callable[[Material], Drawing | None]

    def words(self, material: Material) -> str:
        """Return the caption."""
        return self.caption if isinstance(self.caption, str) else self.caption(material)


@dataclass(frozen=True)
class Picture:
    """A figure as it stands on the disk, with its title and one sentence about it."""

    path: Path
    title: str
    caption: str


def entries() -> list[FigureEntry]:
    """Return the figures of all files in figures/, in the order of the report."""
    modules = [registry.load("evaluate.figures", name) for name in registry.names(PACKAGE)]
    return sorted((entry for module in modules for entry in getattr(module, "FIGURES", ())), key=lambda one: one.order)


def draw_all(material: Material, folder: Path) -> list[Picture]:
    """Draw every figure that the material suffices for into a folder that replaces the one before."""
    pictures = []
    with replacing(folder) as temporary, style.applied():
        temporary.mkdir()
        for entry in track(known := entries(), len(known), "drawing figures", "figure"):
            drawing = entry.draw(material)
            if drawing is None:
                continue
            if isinstance(drawing, Figure):
                style.save(drawing, temporary / f"{entry.name}.png")
            else:
                Pillow.fromarray(drawing).save(temporary / f"{entry.name}.png")
            pictures.append(Picture(folder / f"{entry.name}.png", entry.title, entry.words(material)))
    return pictures
