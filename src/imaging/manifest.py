"""Reads the manifest that the download stage wrote."""

import csv
from typing import NamedTuple

from src.errors import AssayError
from src.paths import Raw


class Source(NamedTuple):
    """A file below the raw folder and what the source says about it; group and fold are "" where unknown."""

    path: str
    label: str
    group: str
    fold: str


def read_manifest(raw: Raw) -> list[Source]:
    """Read all rows, in the order of the file.

    Raises:
        AssayError: the manifest is missing, lacks a column, or has no rows.
    """
    try:
        with raw.manifest.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [name for name in Source._fields if name not in (rows.fieldnames or ())]:
                raise AssayError(f"{raw.manifest}: lacks the columns {', '.join(missing)}")
            sources = [Source(*(row[name] or "" for name in Source._fields)) for row in rows]
    except FileNotFoundError:
        raise AssayError(f"{raw.manifest}: not found; run `dvc repro download`") from None
    if not sources:
        raise AssayError(f"{raw.manifest}: lists no image")
    return sources
