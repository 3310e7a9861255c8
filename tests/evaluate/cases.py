"""Small sets of scored images for tests."""

from collections.abc import Sequence

import numpy as np

from src.metrics.scored import Scored


def binary(labels: Sequence[int], scores: Sequence[float], groups: Sequence[int] | None = None) -> Scored:
    """Make images of two classes from labels and probabilities of the positive one."""
    positive = np.asarray(scores, dtype=np.float64)
    return scored(labels, np.stack([1 - positive, positive], axis=1), groups)


def scored(labels: Sequence[int], probabilities: np.ndarray, groups: Sequence[int] | None = None) -> Scored:
    """Make images from labels and probabilities (N, K)."""
    size = len(labels)
    return Scored(
        classes=tuple("abcdefgh"[: probabilities.shape[1]]),
        rows=np.arange(size),
        paths=tuple(f"{row}.png" for row in range(size)),
        labels=np.asarray(labels, dtype=np.int64),
        probabilities=np.asarray(probabilities, dtype=np.float64),
        groups=np.arange(size) if groups is None else np.asarray(groups, dtype=np.int64),
        grouped=groups is not None,
    )


def random(size: int, classes: int, seed: int = 0, strength: float = 1.0) -> Scored:
    """Make images whose probabilities know something of the class, rounded so that some are equal; pairs of a group."""
    source = np.random.default_rng(seed)
    groups = np.arange(size) // 2
    labels = source.integers(classes, size=size // 2 + 1)[groups]
    logits = source.normal(size=(size, classes))
    logits[np.arange(size), labels] += strength
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scored(labels.tolist(), np.round(probabilities, 2), groups.tolist())
