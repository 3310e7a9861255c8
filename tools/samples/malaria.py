"""Red cells with and without malaria parasites, in the layout of the NIH archive of cell images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.core.random_streams import stream
from tools.samples._drawing import encode
from tools.samples.red_cell import Film, draw

CLASSES = {"Parasitized": True, "Uninfected": False}
PATIENTS = 36
CELLS = ((6, 6), (9, 4), (4, 8), (7, 7), (5, 6))  # of each class, for successive patients
JUNK = b"not an image file"  # as Windows leaves it in folders of images


@dataclass(frozen=True)
class Patient:
    """One patient; the name begins the names of all files."""

    number: int
    name: str

    def stems(self, seed: int, count: int) -> list[str]:
        """Name `count` cells, found in a few pictures of the film; the order does not tell the class."""
        rng = stream(seed, "malaria", self.number, "names")
        day = f"2015{rng.integers(5, 13):02d}{rng.integers(1, 29):02d}"
        start = int(rng.integers(0, 50))
        times = [f"{rng.integers(9, 18):02d}{start + index:02d}{rng.integers(60):02d}" for index in range(4)]
        pictures = rng.integers(len(times), size=count)
        cells = rng.permutation(240)[:count] + 1
        return [
            f"{self.name}_IMG_{day}_{times[int(picture)]}_cell_{cell}"
            for picture, cell in zip(pictures, cells, strict=True)
        ]


def write(folder: Path, seed: int) -> None:
    """Write cell_images/{Parasitized,Uninfected}/C<n>P<m>ThinF_IMG_<date>_<time>_cell_<k>.png."""
    for patient in _patients(seed):
        film = Film.of(stream(seed, "malaria", patient.number, "film"))
        counts = CELLS[patient.number % len(CELLS)]
        stems = patient.stems(seed, sum(counts))
        labels = np.repeat(list(CLASSES), counts)
        for index, (stem, label) in enumerate(zip(stems, labels, strict=True)):
            rng = stream(seed, "malaria", patient.number, "cell", index)
            path = folder / "cell_images" / str(label) / f"{stem}.png"
            encode(path, draw(film, CLASSES[str(label)], rng))
    for label in CLASSES:
        (folder / "cell_images" / label / "Thumbs.db").write_bytes(JUNK)


def _patients(seed: int) -> list[Patient]:
    numbers = np.sort(stream(seed, "malaria", "patients").permutation(150)[:PATIENTS]) + 50
    return [Patient(index, f"C{number}P{number - 39}ThinF") for index, number in enumerate(map(int, numbers))]
