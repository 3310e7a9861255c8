"""What is done about classes that are rare: weights of their images, or other numbers of them in an epoch."""

import numpy as np
from numpy.typing import NDArray

from src.core import random_streams

Numbers = NDArray[np.int64]


def class_weights(targets: Numbers, classes: int) -> NDArray[np.float32]:
    """Return n / (k n_c) for each class c (K,): every class counts alike, and the mean weight of an image is 1.

    >>> class_weights(np.array([0, 0, 0, 1]), 2)
    array([0.6666667, 2.       ], dtype=float32)
    """
    counts = np.bincount(targets, minlength=classes)
    return (len(targets) / (classes * counts)).astype(np.float32)


def size(targets: Numbers, how: str) -> int:
    """Count the images of an epoch."""
    counts = np.bincount(targets)
    counts = counts[counts > 0]
    chosen = {"oversample": counts.max(), "undersample": counts.min()}
    return int(chosen[how] * len(counts)) if how in chosen else len(targets)


def chosen(targets: Numbers, how: str, seed: int, epoch: int) -> Numbers:
    """Return the places in a part (M,) whose images an epoch shows; seed and epoch alone decide which.

    oversample: as many of each class as the most common one has, every image at least once and none twice more often
    than another of its class. undersample: as many as the rarest one has, others in each epoch.
    """
    if how not in ("oversample", "undersample"):
        return np.arange(len(targets))
    random = random_streams.stream(seed, "balance", epoch)
    counts = np.bincount(targets)
    wanted = counts.max() if how == "oversample" else counts[counts > 0].min()
    places = [np.flatnonzero(targets == number) for number in np.flatnonzero(counts)]
    return np.concatenate([_drawn(members, int(wanted), random) for members in places])


def copies(rows: Numbers) -> Numbers:
    """Number the occurrences of each row in the order in which they come.

    >>> copies(np.array([7, 3, 7, 7, 3]))
    array([0, 0, 1, 2, 1])
    """
    order = np.argsort(rows, kind="stable")
    first = np.searchsorted(rows[order], rows[order], side="left")
    numbers = np.empty_like(rows)
    numbers[order] = np.arange(len(rows)) - first
    return numbers


def _drawn(members: Numbers, wanted: int, random: np.random.Generator) -> Numbers:
    whole, rest = divmod(wanted, len(members))
    return np.concatenate([np.repeat(members, whole), random.permutation(members)[:rest]])
