"""Reads what the earlier stages wrote, and writes predictions.csv."""

from collections import Counter
from collections.abc import Iterable
from math import isnan, nan
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.core import partition
from src.core.errors import AssayError, listed
from src.core.files import read_csv, read_json, write_csv
from src.core.paths import ModelFiles, Prepared, ProbeFiles, Raw, SplitFiles
from src.metrics.predictions import Floats, Scored, group_codes

NAMED = 3  # rejected files in the report


class Inputs(NamedTuple):
    """What the earlier stages wrote; out_of_fold: for an ensemble, the table of its val images (see read_known)."""

    raw: Raw
    prepared: Prepared
    split: SplitFiles
    model: ModelFiles
    probe: ProbeFiles
    out_of_fold: Path | None = None


class Image(NamedTuple):
    """A row of index.csv together with its part, and the group that it was split by."""

    row: int
    part: str
    path: str
    label: str
    group: str


def read_images(index: Path, parts: Path) -> list[Image]:
    """Join index.csv (a row per image of the store) and split.csv (row, part, group), in the order of the store.

    Raises:
        AssayError: a file is missing, lacks a column, or split.csv names a row that the store does not have.
    """
    lines = read_csv(index, ("path", "label"))
    places = partition.read(parts, len(lines), grouped=True)
    return sorted(Image(row, part, lines[row]["path"], lines[row]["label"], group) for row, part, group in places)


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the class names in the order of the model's outputs.

    Raises:
        AssayError: the file does not hold a list of two or more names.
    """
    names = read_json(path)
    if not isinstance(names, list) or len(names) < 2 or not all(isinstance(name, str) for name in names):
        raise AssayError(f"{path}: expected a list of two or more class names, found {names!r}")
    return tuple(names)


class Listed(NamedTuple):
    """A line of counts.csv: how many images of a class the manifest has, and how many the source's own table lists."""

    label: str
    images: int
    listed: int


def read_listed(path: Path) -> list[Listed]:
    """Read counts.csv; return an empty list for a source without a table of its own."""
    lines = [line for line in read_csv(path, Listed._fields) if line["listed"]]
    return [Listed(line["label"], int(line["images"]), int(line["listed"])) for line in lines]


class Losses(NamedTuple):
    """Files of the source that are in no part; lines: sentences about them.

    rejected: how many files preprocess rejected. left_out: how many download left out, including junk and copies.
    """

    lines: list[str]
    rejected: int
    left_out: int


def read_losses(raw: Raw, prepared: Prepared) -> Losses:
    """Read left_out.csv of download and rejected.csv of preprocess, if they exist."""
    lines = []
    rejected = read_csv(prepared.rejected, ("path", "reason")) if prepared.rejected.exists() else []
    left_out = read_csv(raw.left_out, ("kind", "reason", "files")) if raw.left_out.exists() else []
    if rejected:
        kept = len(read_csv(prepared.index, ("path",)))
        named = listed([f"{row['path']}: {row['reason']}" for row in rejected], NAMED, "; ")
        lines.append(f"{kept} of {kept + len(rejected)} images, {len(rejected)} rejected (rejected.csv): {named}")
    counted = [
        f"{row['kind']} {row['files']} ({row['reason']})" for row in left_out if row["kind"] not in ("junk", "copy")
    ]
    lines += [f"left out of the source: {'; '.join(counted)}"] if counted else []
    return Losses(lines, len(rejected), sum(int(row["files"]) for row in left_out))


def read_columns(path: Path, key: str) -> dict[str, list[float]]:
    """Read a table of numbers by column, which must have the column `key`; other text than a number becomes NaN."""
    columns: dict[str, list[float]] = {}
    for entry in read_csv(path, (key,)):
        for name, text in entry.items():
            columns.setdefault(name, []).append(_number(text))
    return columns


def score(images: list[Image], probabilities: Floats, classes: tuple[str, ...]) -> Scored:
    """Combine images with their probabilities (N, K).

    Raises:
        AssayError: the number of outputs is not the number of classes, or an image's label is none of the classes.
    """
    if probabilities.shape != (len(images), len(classes)):
        expected = f"{len(classes)} outputs for {', '.join(classes)}"
        raise AssayError(f"model: expected {expected}, found {probabilities.shape[1]}")
    numbers = {name: number for number, name in enumerate(classes)}
    for image in images:
        if image.label not in numbers:
            raise AssayError(f"{image.path}: expected one of the model's classes, found {image.label!r}")
    return Scored(
        classes=classes,
        rows=np.array([image.row for image in images], dtype=np.int64),
        paths=tuple(image.path for image in images),
        labels=np.array([numbers[image.label] for image in images], dtype=np.int64),
        probabilities=probabilities,
        groups=group_codes([image.group for image in images]),
        grouped=any(image.group for image in images),
    )


def read_known(table: Path, classes: tuple[str, ...]) -> dict[int, list[float]]:
    """Read out_of_fold.csv: by row, the probabilities from the ensemble members that did not learn from that image.

    Return an empty dict if there is no such table: only an ensemble has one.
    """
    lines = read_csv(table, ("row", *(f"p_{name}" for name in classes))) if table.exists() else []
    return {int(line["row"]): [float(line[f"p_{name}"]) for name in classes] for line in lines}


def count(images: list[Image]) -> dict[tuple[str, str], tuple[int, int]]:
    """Count images and known groups for every (part, label) that occurs."""
    sizes = Counter((image.part, image.label) for image in images)
    names = {(image.part, image.label, image.group) for image in images if image.group}
    groups = Counter((part, label) for part, label, _ in names)
    return {key: (sizes[key], groups[key]) for key in sorted(sizes)}


def write_predictions(path: Path, images: list[Image], probabilities: Floats, classes: tuple[str, ...]) -> None:
    """Write a row per image: row, part, path, label, group, and p_CLASS with eight decimals for every class."""
    header = [*Image._fields, *(f"p_{name}" for name in classes)]
    lines = ([*image, *(f"{value:.8f}" for value in row)] for image, row in zip(images, probabilities, strict=True))
    write_csv(path, header, lines)


def write_table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write rows as CSV, numbers with six decimals and NaN as an empty cell."""
    write_csv(path, columns, ([_cell(value) for value in row] for row in rows))


def _cell(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if isnan(value) else f"{value:.6f}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan
