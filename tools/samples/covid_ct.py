"""Chest CT slices with and without ground glass, in the layout of the COVID-CT archive."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.core.files import write_text
from src.core.random_streams import stream
from tools.samples._drawing import convert, cut, encode
from tools.samples.ct.anatomy import Chest
from tools.samples.ct.scanner import Look
from tools.samples.ct.slices import draw

CLASSES = {"COVID": "CT_COVID", "NonCOVID": "CT_NonCOVID"}
PATIENTS = 48  # of each class
SLICES = (1, 2, 1, 3, 1, 2)  # of successive patients
PARTS = (("train", 0.5), ("val", 0.1), ("test", 0.4))


@dataclass(frozen=True)
class Patient:
    """One patient of the set; the number is unique over both classes."""

    number: int
    label: str
    part: str
    slices: int

    def paths(self) -> list[str]:
        """Return the paths of the slices' files, without suffix."""
        return [f"{CLASSES[self.label]}/p{self.number:03d}_{index}" for index in range(self.slices)]


def write(folder: Path, seed: int) -> None:
    """Write the class folders and patients.csv (path, label, official_split, patient)."""
    rows = [row for patient in _patients(seed) for row in _write(patient, folder, seed)]
    damaged = [path for path, label, part, _ in rows if path.endswith(".png") and part == "train"][-1]
    cut(folder / damaged, 0.4)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["path", "label", "official_split", "patient"])
    table.writerows(sorted(rows))
    write_text(folder / "patients.csv", text.getvalue())


def _patients(seed: int) -> list[Patient]:
    """List the patients; numbers, slices and parts do not tell the class."""
    numbers = stream(seed, "covid_ct", "numbers").permutation(2 * PATIENTS) + 1
    parts = [name for name, share in PARTS for _ in range(round(share * PATIENTS))]
    patients = []
    for label, own in zip(CLASSES, np.split(numbers, 2), strict=True):
        order = stream(seed, "covid_ct", "parts", label).permutation(PATIENTS)
        for index, number in enumerate(own):
            patients.append(Patient(int(number), label, parts[order[index]], SLICES[index % len(SLICES)]))
    return patients


def _write(patient: Patient, folder: Path, seed: int) -> list[tuple[str, str, str, str]]:
    """Write a patient's images and return their rows of the table."""
    names = ("covid_ct", patient.number)
    chest, look = Chest.of(stream(seed, *names, "chest")), Look.of(stream(seed, *names, "look"))
    start = stream(seed, *names, "levels").uniform(0, 1)
    rows = []
    for index, name in enumerate(patient.paths()):
        rng = stream(seed, *names, "slice", index)
        gray = draw(chest, look, (start + 0.37 * index) % 1.0, patient.label == "COVID", rng)
        path = name + look.suffix
        encode(folder / path, convert(gray, look.mode), look.quality)
        stray = " " if index == 2 else ""  # as in the archive's own table
        rows.append((path, patient.label, patient.part, f"Patient {patient.number}{stray}"))
    return rows
