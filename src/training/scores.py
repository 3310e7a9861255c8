"""The few scores that are followed during training; evaluation has the full set."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Probabilities = NDArray[np.float32]


def accuracy(targets: Numbers, probabilities: Probabilities) -> float:
    """Give the fraction of class numbers (N,) that probabilities (N, 1), cut at 0.5, or (N, K) get right."""
    if probabilities.shape[1] == 1:
        return float(np.mean((probabilities[:, 0] > 0.5) == targets))
    return float(np.mean(probabilities.argmax(axis=1) == targets))


def auc(targets: Numbers, probabilities: Probabilities) -> float:
    """Give the area under the ROC curve; with more than two classes the mean over one class against the others.

    Classes that are absent from the targets, or alone in them, do not count.
    """
    if probabilities.shape[1] == 1:
        return _area(targets == 1, probabilities[:, 0])
    present = [k for k in range(probabilities.shape[1]) if 0 < np.count_nonzero(targets == k) < len(targets)]
    return float(np.mean([_area(targets == k, probabilities[:, k]) for k in present]))


def _area(positive: NDArray[np.bool_], score: NDArray[np.float32]) -> float:
    """Give the probability that a positive scores higher than a negative, ties counting half (Hanley, McNeil 1982)."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(np.count_nonzero(positive))
    surplus = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(surplus / (positives * (len(score) - positives)))
