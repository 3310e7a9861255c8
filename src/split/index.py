"""What the split needs to know about every row of the store, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from src.core.errors import AssayError
from src.core.paths import Prepared
from src.images.store import read_index

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """One entry per image, in the order of the store; group and fold are "" where unknown."""

    path: NDArray[np.str_]
    label: NDArray[np.str_]
    group: NDArray[np.str_]
    fold: NDArray[np.str_]
    width: Floats
    height: Floats
    channels: Floats
    format: NDArray[np.str_]
    bytes: Floats

    def __len__(self) -> int:
        return len(self.path)

    @cached_property
    def class_names(self) -> list[str]:
        """All labels, sorted."""
        return [str(name) for name in np.unique(self.label)]

    @cached_property
    def classes(self) -> Ints:
        """(N,) position of each label in `class_names`."""
        return codes(self.label)

    @cached_property
    def groups(self) -> Ints:
        """(N,) number of the group of each image; an image without a known group is a group of its own."""
        return codes(
            [f"group {group}" if group else f"path {path}" for group, path in zip(self.group, self.path, strict=True)]
        )


def read_rows(prepared: Prepared) -> Rows:
    """Read the index.csv of a store.

    Raises:
        AssayError: the index is missing or broken, or holds fewer than two classes.
    """
    index = read_index(prepared)
    texts = {name: index[name].to_numpy(dtype=np.str_) for name in ("path", "label", "group", "fold", "format")}
    numbers = {name: index[name].to_numpy(dtype=np.float64) for name in ("width", "height", "channels", "bytes")}
    rows = Rows(**texts, **numbers)
    if len(rows.class_names) < 2:
        found = f"{len(rows)} images of {', '.join(rows.class_names) or 'no class'}"
        raise AssayError(f"{prepared.index}: expected images of at least two classes, found {found}")
    return rows


def codes(values: Sequence[str] | NDArray[np.str_]) -> Ints:
    """Number the values in their sorted order.

    >>> codes(["b", "a", "b"]).tolist()
    [1, 0, 1]
    """
    inverse: Ints = np.unique(np.asarray(values), return_inverse=True)[1]
    return inverse
