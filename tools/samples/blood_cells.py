"""Blood smears with one white cell of four kinds, in the layout of the blood-cells archive.

As in the archive, each image is an augmented copy of one of a few slides, and its name does not tell which.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from src.core.files import write_text
from src.core.random_streams import stream
from tools.samples._drawing import Pixels, encode
from tools.samples.blood import augmented, draw

KINDS = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
SLIDES = {"TRAIN": 11, "TEST": 7}  # of each kind
COPIES = 4  # of each slide
ROOT = "dataset2-master/dataset2-master"
QUALITY = 78
STRAY = ("", "BASOPHIL", "", "NEUTROPHIL, EOSINOPHIL", "", "BASOPHIL", "NEUTROPHIL, NEUTROPHIL")


def write(folder: Path, seed: int) -> None:
    """Write images/{TRAIN,TEST,TEST_SIMPLE}/KIND and labels.csv; TEST_SIMPLE holds the slides of TEST as they are."""
    for kind in KINDS:
        for part, count in SLIDES.items():
            slides = [draw(kind, stream(seed, "blood_cells", kind, part, index)) for index in range(count)]
            _write(_copies(slides, seed, kind, part), folder, seed, kind, part)
            if part == "TEST":
                _write(slides, folder, seed, kind, "TEST_SIMPLE")
    write_text(folder / ROOT / "labels.csv", _labels(seed))


def slide_of(seed: int, kind: str, part: str) -> list[int]:
    """Return the slide of each image of a folder, in the order of the first number of the names."""
    every = np.repeat(np.arange(SLIDES[part]), COPIES)
    return [int(index) for index in stream(seed, "blood_cells", kind, part, "order").permutation(every)]


def _copies(slides: list[Pixels], seed: int, kind: str, part: str) -> Iterator[Pixels]:
    for number, index in enumerate(slide_of(seed, kind, part)):
        yield augmented(slides[index], stream(seed, "blood_cells", kind, part, "copy", number))


def _write(images: Iterator[Pixels] | list[Pixels], folder: Path, seed: int, kind: str, part: str) -> None:
    numbers = stream(seed, "blood_cells", kind, part, "numbers").permutation(9999)
    for index, image in enumerate(images):
        encode(folder / ROOT / "images" / part / kind / f"_{index}_{numbers[index]}.jpeg", image, QUALITY)


def _labels(seed: int) -> str:
    """List the kinds of all slides in random order, with rows that are empty or hold several, as in the archive."""
    kinds = [kind for kind in KINDS for _ in range(sum(SLIDES.values()))] + list(STRAY)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["", "Image", "Category"])
    order = stream(seed, "blood_cells", "labels").permutation(len(kinds))
    table.writerows(["", number, kinds[index]] for number, index in enumerate(order))
    return text.getvalue()
