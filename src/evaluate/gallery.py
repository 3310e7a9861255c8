"""The figures of an evaluation: the report shows every figure that a file in figures/ lists in its FIGURES."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from PIL import Image as Pillow

from src import plotting
from src.config import Augment
from src.core import registry
from src.core.files import replacing
from src.core.progress import track
from src.evaluate.cam_overlay import Cams
from src.evaluate.inputs import Image, Listed
from src.evaluate.predict import Layer
from src.evaluate.results import Results
from src.images.pixels import Pixels

PACKAGE = "evaluate.figures"


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

    levels: the sheet that shows images beside their own histograms, or None if the file is missing.
    """

    results: Results
    images: list[Image]
    pixels: Pixels
    history: Mapping[str, list[float]]
    listed: list[Listed]
    histograms: Mapping[str, list[float]]
    levels: Pixels | None
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
    """A figure: its place in the report, the name of its file, its title, a one-sentence caption, and how to draw it.

    draw returns a matplotlib figure or a sheet of pixels, or None if the material lacks what the figure needs; the
    report then leaves the figure out.
    """

    order: int
    name: str
    title: str
    caption: str | Callable[[Material], str]
    draw: Callable[[Material], Figure | Pixels | None]


class Picture(NamedTuple):
    """A figure saved to disk, with its title and a one-sentence caption."""

    path: Path
    title: str
    caption: str


def entries() -> list[FigureEntry]:
    """Return the figures of all files in figures/, in the order of the report."""
    modules = [registry.load(PACKAGE, name) for name in registry.names(PACKAGE)]
    return sorted((entry for module in modules for entry in module.FIGURES), key=lambda one: one.order)


def draw_all(material: Material, folder: Path) -> list[Picture]:
    """Draw every figure that the material allows; the new folder replaces the previous one."""
    pictures = []
    with replacing(folder) as temporary, plotting.applied():
        temporary.mkdir()
        for entry in track(known := entries(), len(known), "drawing figures", "figure"):
            drawing, name = entry.draw(material), f"{entry.name}.png"
            if drawing is None:
                continue
            if isinstance(drawing, Figure):
                plotting.save(drawing, temporary / name)
            else:
                Pillow.fromarray(drawing).save(temporary / name)
            caption = entry.caption if isinstance(entry.caption, str) else entry.caption(material)
            pictures.append(Picture(folder / name, entry.title, caption))
    return pictures
