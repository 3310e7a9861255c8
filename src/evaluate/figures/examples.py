"""One image of each class, as the model sees it."""

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from src.evaluate.gallery import FigureEntry
from src.evaluate.inputs import Image
from src.images.contact_sheet import Cell, sheet
from src.plotting import style

COLUMNS = 5
SIDE = 180  # pixels of a cell: five of them fill the page of the report


def draw(train: list[Image], images: NDArray[np.uint8], classes: tuple[str, ...]) -> NDArray[np.uint8] | None:
    """Draw an example of each class above its name and that of its file; None without train images.

    images: the packed store (M, H, W, C).
    """
    cells = []
    for image, name in zip(choose(train, classes), style.shorten_all(classes), strict=True):
        if image:
            file = style.shorten(PurePosixPath(image.path).stem, 26)
            cells.append(Cell(np.asarray(images[image.row]), f"{name}\n{file}"))
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    return sheet(rows, side=SIDE, below=True) if rows else None


def choose(train: list[Image], classes: tuple[str, ...]) -> list[Image | None]:
    """Pick the middle one of each class's images in the order of their paths; None where train has none.

    The first and the last are often what a collection began or ended with.
    """
    sorted_by_path = sorted(train, key=lambda image: image.path)
    members = [[image for image in sorted_by_path if image.label == name] for name in classes]
    return [images[len(images) // 2] if images else None for images in members]


FIGURES = (
    FigureEntry(
        100,
        "examples",
        "One image of each class",
        "An image of the train part for each class, as the model sees it.",
        lambda material: draw(material.train, material.pixels, material.results.test.classes),
    ),
)
