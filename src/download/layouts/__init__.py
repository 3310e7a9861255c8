"""How the labels of a source are read: one file for each layout, chosen by name in dataset.layout."""

from collections.abc import Mapping
from typing import NamedTuple

from src.core import registry


class Known(NamedTuple):
    """The public data set that a layout is for, in its constant KNOWN; `folds`: whether it ships its own split."""

    title: str
    classes: frozenset[str]
    folds: bool


def known() -> Mapping[str, Known]:
    """Return the public data sets by the layout that reads them."""
    layouts = {name: registry.load("download.layouts", name) for name in registry.names("download.layouts")}
    return {name: layout.KNOWN for name, layout in layouts.items() if hasattr(layout, "KNOWN")}
