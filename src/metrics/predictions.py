"""What the metrics are computed from: labels, probabilities and groups of the images of one part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """The images of a part with the probabilities that a model predicts for them.

    With two classes, the last one is the positive class.
    """

    classes: tuple[str, ...]
    rows: Integers  # (N,) rows of the packed store
    paths: tuple[str, ...]
    labels: Integers  # (N,) indices into classes
    probabilities: Floats  # (N, K), each row sums to 1
    groups: Integers  # (N,) 0..G-1; an image without a group forms a group of its own
    grouped: bool  # whether any image has a named group

    @property
    def size(self) -> int:
        """Return the number of images N."""
        return len(self.labels)

    @property
    def group_count(self) -> int:
        """Return the number of groups G."""
        return int(self.groups.max()) + 1 if self.size else 0

    @property
    def binary(self) -> bool:
        """Return whether there are two classes, so that decisions depend on a threshold."""
        return len(self.classes) == 2

    def decide(self, threshold: float) -> Integers:
        """Return the class (N,) that is predicted for each image.

        Two classes: the positive one if its probability is at least the threshold. More: the most probable class; the
        threshold is not used.
        """
        if self.binary:
            return np.asarray(self.probabilities[:, 1] >= threshold, dtype=np.int64)
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)


def group_codes(groups: list[str]) -> Integers:
    """Number groups in the order of their first image; an empty name stands for a group of its own.

    >>> group_codes(["b", "a", "b", "", ""]).tolist()
    [0, 1, 0, 2, 3]
    """
    numbers: dict[str | int, int] = {}
    return np.array([numbers.setdefault(name or row, len(numbers)) for row, name in enumerate(groups)], dtype=np.int64)
