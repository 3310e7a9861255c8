"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599): calibrate probabilities with one number, fitted on val.

Logits are divided by the temperature: above 1 it lowers the confidence, below 1 it raises it. No decision changes:
the most probable class stays the same, and with two classes the images keep their order and the threshold is scaled
like the probabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from src.metrics.predictions import Floats, Integers, Scored
from src.metrics.scores import calibration_error, overall_scores

# From simulations with 300 draws of logits each, at true temperatures of 1 and 1.3: a fit on 16 images of val raises
# the log loss of new images by 0.09 and 0.06, a fit on 50 by 0.012 and 0.001; cross-validation halves the first two.
FEWEST = 50  # images of val that a fit needs
FOLDS = 10
ERRORS = ("log_loss", "brier", "calibration_error")  # errors of the probabilities
DECIMALS = 6
RANGE = (0.1, 10.0)  # bounds: if all of a few images are classified correctly, the best temperature would be 0
SMALLEST = 1e-8  # smallest probability: files store eight decimals
STEPS = 60  # of the search: each shortens the interval by more than a third
GOLDEN = (5**0.5 - 1) / 2


def scaled(probabilities: Floats, temperature: float) -> Floats:
    """Return the probabilities (N, K) at a temperature; a temperature of 1 leaves them unchanged.

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
    """A temperature, and the errors of each part, by their names, before and after scaling.

    note: why the temperature is 1, or "" if a fitted one is used.
    """

    temperature: float
    note: str
    before: Mapping[str, Mapping[str, float]]
    after: Mapping[str, Mapping[str, float]]


def scaling(parts: Mapping[str, Scored], threshold: float) -> Scaling:
    """Fit the temperature on val if cross-validation on val shows that it helps; measure the errors of all parts."""
    temperature, note = choose_temperature(parts["val"])
    warmed = {
        part: replace(each, probabilities=scaled(each.probabilities, temperature)) for part, each in parts.items()
    }
    decisions = {part: each.decide(threshold) for part, each in parts.items()}  # a temperature does not change them
    before, after = ({part: errors(some[part], decisions[part]) for part in parts} for some in (parts, warmed))
    return Scaling(temperature, note, before, after)


def choose_temperature(val: Scored) -> tuple[float, str]:
    """Return the temperature fitted on val and "", or 1 and the reason why none is used.

    Cross-validation on val decides: a fitted temperature must lower the log loss of the images in the held-out folds.
    All images of a group are in the same fold.
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
    """Return the log loss, Brier score and expected calibration error, or nothing if there are no images."""
    if not scored.size:
        return {}
    known = overall_scores(scored, decisions) | {"calibration_error": calibration_error(scored, decisions)}
    return {name: round(known[name], DECIMALS) for name in ERRORS}


def fit_temperature(probabilities: Floats, labels: Integers) -> float:
    """Return the temperature that minimizes the log loss of the probabilities (N, K), or 1 if there are no images."""
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
