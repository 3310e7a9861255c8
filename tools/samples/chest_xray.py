"""Frontal chest radiographs of children with and without pneumonia, in the layout of the chest-xray archive.

As in the archive, the validation folder holds eight images of each class, and pneumonia is the larger class.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.core.random_streams import stream
from tools.samples._drawing import convert, encode
from tools.samples.xray import Exposure, Thorax, draw
from tools.samples.xray.findings import BACTERIA, VIRUS

NORMAL = {"train": 66, "val": 8, "test": 36}  # patients, with one image each
PNEUMONIA = {"train": 54, "val": 8, "test": 28}  # patients
IMAGES = (1, 2, 1, 3, 2)  # of successive patients with pneumonia; always one in val


@dataclass(frozen=True)
class Patient:
    """A patient; the number is unique within a class."""

    number: int
    part: str
    cause: str | None  # bacteria, virus or None
    first: int  # number of the first image
    images: int

    def paths(self) -> list[str]:
        """Name the images as the archive does."""
        if self.cause is None:
            stem = "NORMAL2-IM" if self.number % 5 < 2 else "IM"
            return [f"{self.part}/NORMAL/{stem}-{self.number:04d}-0001.jpeg"]
        stem = f"{self.part}/PNEUMONIA/person{self.number}_{self.cause}"
        return [f"{stem}_{self.first + index}.jpeg" for index in range(self.images)]


def write(folder: Path, seed: int) -> None:
    """Write chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}."""
    for patient in _patients(seed):
        names = ("chest_xray", patient.cause or "none", patient.number)
        thorax = Thorax.of(stream(seed, *names, "thorax"))
        for index, path in enumerate(patient.paths()):
            rng = stream(seed, *names, "view", index)
            exposure = Exposure.of(rng)
            gray = draw(thorax, exposure, patient.cause, rng)
            mode = "L" if rng.random() < 0.9 else "RGB"
            encode(folder / "chest_xray" / path, convert(gray, mode), exposure.quality)


def _patients(seed: int) -> list[Patient]:
    """List the patients of both classes."""
    rng = stream(seed, "chest_xray", "patients")
    patients = []
    numbers = np.sort(rng.permutation(1500)[: sum(NORMAL.values())] + 1)
    parts = rng.permutation([part for part, count in NORMAL.items() for _ in range(count)])
    patients += [Patient(int(number), str(part), None, 1, 1) for number, part in zip(numbers, parts, strict=True)]
    numbers = np.sort(rng.permutation(1900)[: sum(PNEUMONIA.values())] + 1)
    parts = rng.permutation([part for part, count in PNEUMONIA.items() for _ in range(count)])
    first = 1
    for index, (number, part) in enumerate(zip(numbers, parts, strict=True)):
        images = 1 if part == "val" else IMAGES[index % len(IMAGES)]
        first += int(rng.integers(1, 5))
        patients.append(Patient(int(number), str(part), str(rng.choice([BACTERIA, VIRUS])), first, images))
        first += images
    return patients
