"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599): one number, fitted on val, that makes probabilities honest.

Logits are divided by it: above 1 it takes confidence away, below 1 it adds some. The order of the images stays, and so
does every decision, as the threshold is moved with the probabilities.
"""

from collections.abc import Callable

import numpy as np

from src.metrics.scored import Floats, Integers

RANGE = (0.1, 10.0)  # few images of val, all of them right, would ask for no temperature at all
SMALLEST = 1e-8  # of a probability: files hold eight decimals
STEPS = 60  # of the search: each takes a third of the interval away
GOLDEN = (5**0.5 - 1) / 2


def scaled(probabilities: Floats, temperature: float) -> Floats:
    """Return the probabilities (N, K) at a temperature; at 1 they stay as they are.

    >>> scaled(np.array([[0.1, 0.9]]), 2.0).round(2).tolist()
    [[0.25, 0.75]]
    """
    if temperature == 1:
        return probabilities
    logits = np.log(np.maximum(probabilities, SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_temperature(probabilities: Floats, labels: Integers) -> float:
    """Return the temperature at which the log loss of the probabilities (N, K) is least, 1 where there is no image."""
    if not len(labels):
        return 1.0

    def loss(logarithm: float) -> float:
        true = scaled(probabilities, float(np.exp(logarithm)))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(true, SMALLEST)).mean())

    return round(float(np.exp(_least(loss, float(np.log(RANGE[0])), float(np.log(RANGE[1]))))), 6)


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    """Find the minimum of a function with a single one by golden section search."""
    for _ in range(STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return (low + high) / 2
