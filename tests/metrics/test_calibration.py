"""Temperature scaling finds what probabilities were too sure by, and never changes their order."""

import numpy as np
import pytest

from src.metrics.calibration import FEWEST, RANGE, choose_temperature, fit_temperature, scaled, scaling
from src.metrics.predictions import Scored


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


def drawn(count: int, temperature: float) -> Scored:
    """Draw images of as many groups, whose logits are as many times too large."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, count)
    labels = (random.random(count) < 1 / (1 + np.exp(-logits / temperature))).astype(np.int64)
    chance = 1 / (1 + np.exp(-logits))
    rows = np.arange(count)
    return Scored(("a", "b"), rows, ("",) * count, labels, np.stack([1 - chance, chance], 1), rows, grouped=True)


def test_a_temperature_is_used_only_where_val_can_show_that_it_helps() -> None:
    few, honest, sure = drawn(FEWEST - 1, 2.0), drawn(200, 1.0), drawn(200, 2.0)
    assert choose_temperature(few)[0] == 1
    assert choose_temperature(few)[1].startswith("val has 49 images")
    assert choose_temperature(honest)[0] == 1
    assert "does not help: log loss" in choose_temperature(honest)[1]
    temperature, note = choose_temperature(sure)
    assert temperature == pytest.approx(2, abs=0.6)
    assert note == ""


def test_errors_before_and_after_are_those_of_both_parts_and_fall_where_the_temperature_is_right() -> None:
    found = scaling({"val": drawn(200, 2.0), "test": drawn(300, 2.0)}, 0.5)
    for part in ("val", "test"):
        for name in ("log_loss", "brier", "calibration_error"):
            assert found.after[part][name] < found.before[part][name]
