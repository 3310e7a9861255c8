"""The images that each training of a cross-validation trains on, validates on and predicts: no group is in two."""

from collections.abc import Sequence

import numpy as np

from src.config import Params
from src.core import partition
from src.core.errors import AssayError
from src.core.paths import PREPARED, SPLIT
from src.core.random_streams import stream
from src.evaluate.inputs import Image, read_images
from src.executors.protocol import Fold
from src.metrics.scored import group_codes
from src.split.assign import assign

FEWEST = 3  # groups of a class: one held out, one for val, one for train


def read(params: Params) -> list[Image]:
    """Return the images that are cross-validated: those of train and val, or all that are in a part.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    images = read_images(PREPARED.index, SPLIT.parts)
    return [image for image in images if params.repeat.over == "all" or image.part in partition.FITTED]


def divide(images: Sequence[Image], params: Params, *, inner: bool = True) -> tuple[Fold, ...]:
    """Divide the images into folds so that no group is split and each class is spread evenly.

    The images that are not held out are divided again into train and val. The val part serves early stopping and the
    choice of the threshold; its share is split.val / (split.train + split.val). Without `inner` there is no val part:
    the training uses all of these images, for all of its epochs.

    Raises:
        AssayError: a class has too few groups.
    """
    count, share = params.repeat.folds, params.split.val / (params.split.train + params.split.val)
    labels = np.unique([image.label for image in images], return_inverse=True)[1]
    groups, rows = group_codes([image.group for image in images]), np.array([image.row for image in images])
    for label in sorted({image.label for image in images}):
        found = len(np.unique(groups[[image.label == label for image in images]]))
        if found < max(count, FEWEST):
            raise AssayError(
                f"repeat.folds: expected at least {max(count, FEWEST)} groups of each class for {count} folds, "
                f"found {found} of {label}; use fewer folds, or repeat.over: all"
            )
    part = assign(labels, groups, np.full(count, 1 / count), stream(params.seed, "folds"))
    found_folds = []
    for number in range(count):
        rest = np.flatnonzero(part != number)
        val = np.zeros(len(rest), np.bool_)
        if inner:
            codes = [np.unique(each[rest], return_inverse=True)[1] for each in (labels, groups)]
            val = assign(codes[0], codes[1], np.array([1 - share, share]), stream(params.seed, "folds", number)) == 1
        if len(np.unique(labels[rest[~val]])) < len(np.unique(labels)):
            raise AssayError("repeat.folds: expected every class in the training images of each fold; use fewer folds")
        chosen = (rest[~val], rest[val], np.flatnonzero(part == number))
        found_folds.append(Fold(*(tuple(rows[places].tolist()) for places in chosen)))
    return tuple(found_folds)
