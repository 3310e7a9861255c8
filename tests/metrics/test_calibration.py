"""Temperature scaling finds what probabilities were too sure by, and never changes their order."""

import numpy as np
import pytest

from src.metrics.calibration import RANGE, fit_temperature, scaled


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_the_temperature_by_which_logits_were_multiplied_is_found(classes: int, temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (6000, classes))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(classes, p=row) for row in honest])
    distorted = scaled(honest, 1 / temperature)
    found = fit_temperature(distorted, labels)
    assert found == pytest.approx(temperature, rel=0.1)
    corrected = scaled(distorted, found)
    assert np.abs(corrected - honest).mean() < 0.01
    np.testing.assert_allclose(corrected.sum(axis=1), 1)
    assert (corrected.argmax(axis=1) == honest.argmax(axis=1)).all()


def test_few_images_that_are_all_right_stay_within_bounds_and_none_asks_for_nothing() -> None:
    sure = np.array([[0.1, 0.9], [0.8, 0.2]])
    assert fit_temperature(sure, np.array([1, 0])) == pytest.approx(RANGE[0], rel=1e-3)
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, np.int64)) == 1


def test_certain_probabilities_stay_finite() -> None:
    assert np.isfinite(scaled(np.array([[0.0, 1.0]]), 2.0)).all()
