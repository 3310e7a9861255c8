"""Reads the manifest that the download stage wrote."""

from typing import NamedTuple

from src.errors import AssayError
from src.files import read_csv
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
    sources = [Source(*(row[name] for name in Source._fields)) for row in read_csv(raw.manifest, Source._fields)]
    if not sources:
        raise AssayError(f"{raw.manifest}: lists no image")
    return sources
