"""Reads what the earlier stages wrote, and writes predictions.csv."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.core import partition
from src.core.errors import AssayError
from src.core.files import read_csv, read_json, whole_number, write_csv
from src.core.paths import Prepared
from src.metrics.scored import Floats, Scored, group_codes

NAMED = 3  # rejected files in the report


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
        AssayError: the file holds fewer than two names or something else.
    """
    names = read_json(path)
    if not isinstance(names, list) or len(names) < 2 or not all(isinstance(name, str) for name in names):
        raise AssayError(f"{path}: expected a list of two or more class names, found {names!r}")
    return tuple(names)


class Listed(NamedTuple):
    """A line of counts.csv: images of a class in the manifest, and in the table that the source ships."""

    label: str
    images: int
    listed: int


def read_listed(path: Path) -> list[Listed]:
    """Read counts.csv of a source that has a table of its own; nothing for any other."""
    lines = [line for line in read_csv(path, Listed._fields) if line["listed"]]
    return [
        Listed(line["label"], *(whole_number(line[name], f"{path}, {name}") for name in ("images", "listed")))
        for line in lines
    ]


def read_losses(left_out: Path | None, prepared: Prepared) -> list[str]:
    """Say which files of the source became no image of any part: left out by download, rejected by preprocess."""
    lines = []
    if prepared.rejected.exists() and (rejected := read_csv(prepared.rejected, ("path", "reason"))):
        kept = len(read_csv(prepared.index, ("path",)))
        named = "; ".join(f"{row['path']}: {row['reason']}" for row in rejected[:NAMED])
        more = f"; and {len(rejected) - NAMED} more in rejected.csv" if len(rejected) > NAMED else ""
        lines.append(f"{kept} of {kept + len(rejected)} images, {len(rejected)} rejected: {named}{more}")
    if left_out is not None and left_out.exists():
        rows = read_csv(left_out, ("kind", "reason", "files", "example"))
        counted = "; ".join(
            f"{row['kind']} {row['files']} ({row['reason']})" for row in rows if row["kind"] not in ("junk", "copy")
        )
        lines += [f"left out of the source: {counted}"] if counted else []
    return lines


def count_losses(left_out: Path | None, prepared: Prepared) -> tuple[int, int]:
    """Count the images that preprocess rejected, and the files that download left out, junk and copies among them."""
    rejected = len(read_csv(prepared.rejected, ("path",))) if prepared.rejected.exists() else 0
    rows = read_csv(left_out, ("files",)) if left_out is not None and left_out.exists() else []
    return rejected, sum(whole_number(row["files"], f"{left_out}, files") for row in rows)


def read_columns(path: Path, key: str) -> dict[str, list[float]]:
    """Read a table of numbers by column; cells that hold no number become NaN."""
    columns: dict[str, list[float]] = {}
    for entry in read_csv(path, (key,)):
        for name, text in entry.items():
            columns.setdefault(name, []).append(_number(text))
    return columns


def score(images: list[Image], probabilities: Floats, classes: tuple[str, ...]) -> Scored:
    """Put images and their probabilities (N, K) together.

    Raises:
        AssayError: the model does not have as many outputs as there are classes, or an image has another label.
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


def known_as_val(images: list[Image], table: Path) -> list[Image]:
    """Return the images, those that an ensemble was asked for without having learned from them all as val."""
    known = {int(line["row"]) for line in read_csv(table, ("row",))} if table.exists() else set()
    return [image._replace(part="val") if image.row in known else image for image in images]


def replace_known(probabilities: Floats, images: list[Image], classes: tuple[str, ...], table: Path) -> None:
    """Put in, for val (N, K), what an ensemble says of images that its members learned from, all but those asked.

    Nothing happens where there is no such table. Else threshold and temperature would be chosen by what it has seen.
    """
    if not table.exists():
        return
    known = {int(line["row"]): line for line in read_csv(table, ("row", *(f"p_{name}" for name in classes)))}
    for place, image in enumerate(images):
        if image.part == "val" and image.row in known:
            probabilities[place] = [float(known[image.row][f"p_{name}"]) for name in classes]


def count(images: list[Image]) -> dict[tuple[str, str], tuple[int, int]]:
    """Count images and named groups for every part and label that occurs."""
    sizes = Counter((image.part, image.label) for image in images)
    names = {(image.part, image.label, image.group) for image in images if image.group}
    groups = Counter((part, label) for part, label, _ in names)
    return {key: (sizes[key], groups[key]) for key in sorted(sizes)}


def write_predictions(path: Path, images: list[Image], probabilities: Floats, classes: tuple[str, ...]) -> None:
    """Write a row per image: row, part, path, label, group, and p_CLASS with eight decimals for every class."""
    header = [*Image._fields, *(f"p_{name}" for name in classes)]
    lines = ([*image, *(f"{value:.8f}" for value in row)] for image, row in zip(images, probabilities, strict=True))
    write_csv(path, header, lines)


def write_table(path: Path, rows: Sequence[Mapping[str, object]], columns: tuple[str, ...]) -> None:
    """Write rows as CSV with the given columns, numbers with six decimals."""
    lines = ([_cell(row[column]) for column in columns] for row in rows)
    write_csv(path, columns, lines)


def _cell(value: object) -> object:
    return f"{value:.6f}" if isinstance(value, float) else value


def _number(text: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("nan")
