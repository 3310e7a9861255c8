"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599): one number, fitted on val, that makes probabilities honest.

Logits are divided by it: above 1 it takes confidence away, below 1 it adds some. The order of the images stays, and so
does every decision, as the threshold is moved with the probabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from src.metrics.predictions import Floats, Integers, Scored
from src.metrics.scores import calibration_error, overall_scores

# Simulated, 300 draws of logits each: at true temperatures of 1 and 1.3 a fit on 16 images of val makes the log loss
# of further images worse by 0.09 and 0.06, one on 50 by 0.012 and 0.001; cross-validation halves the first two.
FEWEST = 50  # images of val
FOLDS = 10
ERRORS = ("log_loss", "brier", "calibration_error")  # of probabilities
DECIMALS = 6
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


@dataclass(frozen=True)
class Scaling:
    """A temperature, and errors of each part before and after it, by the name of the score.

    note: why the temperature is 1, or "".
    """

    temperature: float
    note: str
    before: Mapping[str, Mapping[str, float]]
    after: Mapping[str, Mapping[str, float]]


def scaling(parts: Mapping[str, Scored], threshold: float) -> Scaling:
    """Fit the temperature on val where val can show that it helps, and measure the errors of all parts."""
    temperature, note = choose_temperature(parts["val"])
    warmed = {
        part: replace(each, probabilities=scaled(each.probabilities, temperature)) for part, each in parts.items()
    }
    decisions = {part: each.decide(threshold) for part, each in parts.items()}  # which no temperature changes
    before, after = ({part: errors(some[part], decisions[part]) for part in parts} for some in (parts, warmed))
    return Scaling(temperature, note, before, after)


def choose_temperature(val: Scored) -> tuple[float, str]:
    """Return the temperature that is fitted on val, or 1 and why none is.

    It has to lower the log loss of images that it was not fitted on: folds of val, each with its groups whole.
    """
    if val.size < FEWEST:
        return 1.0, f"val has {val.size} images, and a temperature that is fitted on fewer than {FEWEST} does more harm"
    losses = _losses(val.probabilities, val.labels, 1.0), np.zeros(val.size)
    for fold in range(FOLDS):
        out = val.groups % FOLDS == fold
        temperature = fit_temperature(val.probabilities[~out], val.labels[~out])
        losses[1][out] = _losses(val.probabilities[out], val.labels[out], temperature)
    plain, fitted = (float(each.mean()) for each in losses)
    if fitted >= plain:
        found = f"log loss {fitted:.3f} with and {plain:.3f} without"
        return 1.0, f"on val a temperature that is fitted on its other images does not help: {found}"
    return fit_temperature(val.probabilities, val.labels), ""


def errors(scored: Scored, decisions: Integers) -> dict[str, float]:
    """Return log loss, Brier score and expected calibration error, where there is an image."""
    if not scored.size:
        return {}
    known = overall_scores(scored, decisions) | {"calibration_error": calibration_error(scored, decisions)}
    return {name: round(known[name], DECIMALS) for name in ERRORS}


def fit_temperature(probabilities: Floats, labels: Integers) -> float:
    """Return the temperature at which the log loss of the probabilities (N, K) is least, 1 where there is no image."""
    if not len(labels):
        return 1.0

    def loss(logarithm: float) -> float:
        return float(_losses(probabilities, labels, float(np.exp(logarithm))).mean())

    low, high = (float(np.log(bound)) for bound in RANGE)
    for _ in range(STEPS):  # golden section search: the loss has a single minimum
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return round(float(np.exp((low + high) / 2)), DECIMALS)


def _losses(probabilities: Floats, labels: Integers, temperature: float) -> Floats:
    """Return the log loss (N,) of each image at a temperature."""
    true = scaled(probabilities, temperature)[np.arange(len(labels)), labels]
    return np.asarray(-np.log(np.maximum(true, SMALLEST)), dtype=np.float64)
