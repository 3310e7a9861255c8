"""The few scores that are followed during training; evaluation has the full set."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from src.metrics.curves import area

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
Probabilities = NDArray[np.float32]


def accuracy(targets: Numbers, probabilities: Probabilities) -> float:
    """Return the fraction of class numbers (N,) that probabilities (N, 1), cut at 0.5, or (N, K) get right."""
    if probabilities.shape[1] == 1:
        return float(np.mean((probabilities[:, 0] > 0.5) == targets))
    return float(np.mean(probabilities.argmax(axis=1) == targets))


def auc(targets: Numbers, probabilities: Probabilities) -> float:
    """Return the area under the ROC curve; with more than two classes the mean over one class against the others.

    Classes that are absent from the targets, or alone in them, do not count.
    """
    if probabilities.shape[1] == 1:
        return area(targets == 1, probabilities[:, 0])
    present = [k for k in range(probabilities.shape[1]) if 0 < np.count_nonzero(targets == k) < len(targets)]
    return float(np.mean([area(targets == k, probabilities[:, k]) for k in present]))


def precision(targets: Numbers, probabilities: Probabilities) -> float:
    """Return the fraction of the images predicted as a class that are of it, 0 where none is.

    Of the second of two classes, predicted from 0.5 on; of more the mean over the classes that the targets hold.
    """
    return _mean_over_classes(targets, probabilities, lambda positive, predicted: _share(positive, of=predicted))


def recall(targets: Numbers, probabilities: Probabilities) -> float:
    """Return the fraction of the images of a class that are predicted as it, of the same classes as `precision`."""
    return _mean_over_classes(targets, probabilities, lambda positive, predicted: _share(predicted, of=positive))


def _mean_over_classes(targets: Numbers, probabilities: Probabilities, score: Callable[[Flags, Flags], float]) -> float:
    if probabilities.shape[1] == 1:
        return score(targets == 1, probabilities[:, 0] > 0.5)
    decided = probabilities.argmax(axis=1)
    return float(np.mean([score(targets == k, decided == k) for k in np.unique(targets)]))


def _share(flags: Flags, of: Flags) -> float:
    return float(np.mean(flags[of])) if of.any() else 0.0
