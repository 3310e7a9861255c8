"""Losses against values worked out by hand."""

import numpy as np
import pytest

from src.train import class_balance
from tests import sections

P = np.array([[0.9], [0.2], [0.6]], np.float32)
TRUTH = np.array([1, 0, 0])
FOUR = np.array([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]], np.float32)
CLASSES = np.array([0, 3])


def loss(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None, **values: object) -> list:
    section = sections.train(epochs=1, batch_size=1, optimizer="adam", **values)
    found = class_balance.loss(section, weights)(targets, probabilities)
    assert found.shape == targets.shape
    return pytest.approx(found.numpy().tolist(), rel=1e-4)


def test_crossentropy_is_minus_the_logarithm_of_the_true_class() -> None:
    assert loss(TRUTH, P) == [-np.log(0.9), -np.log(0.8), -np.log(0.4)]
    assert loss(CLASSES, FOUR) == [-np.log(0.7), -np.log(0.25)]


def test_class_weights_weigh_the_loss_of_each_image() -> None:
    weights = class_balance.class_weights(TRUTH, 2)  # 3 / (2 * 2) and 3 / (2 * 1)
    assert loss(TRUTH, P, weights, balance="weights") == [1.5 * -np.log(0.9), 0.75 * -np.log(0.8), 0.75 * -np.log(0.4)]
    weights = np.array([2, 1, 1, 0.5], np.float32)
    assert loss(CLASSES, FOUR, weights, balance="weights") == [2 * -np.log(0.7), 0.5 * -np.log(0.25)]


def test_focal_loss_of_two_classes_is_that_of_the_paper() -> None:
    expected = [
        0.25 * 0.1**2 * -np.log(0.9),
        0.75 * 0.2**2 * -np.log(0.8),
        0.75 * 0.6**2 * -np.log(0.4),
    ]
    assert loss(TRUTH, P, balance="focal") == expected


def test_focal_loss_of_more_classes_weighs_by_the_true_one() -> None:
    assert loss(CLASSES, FOUR, balance="focal") == [0.25 * 0.3**2 * -np.log(0.7), 0.25 * 0.75**2 * -np.log(0.25)]
    focal = {"balance": "focal", "focal": sections.focal(gamma=1.0, alpha=0.5)}
    assert loss(CLASSES, FOUR, **focal) == [0.5 * 0.3 * -np.log(0.7), 0.5 * 0.75 * -np.log(0.25)]


def test_label_smoothing_gives_each_class_its_share() -> None:
    smooth = [-0.95 * np.log(0.9) - 0.05 * np.log(0.1), -0.95 * np.log(0.8) - 0.05 * np.log(0.2)]
    assert loss(TRUTH[:2], P[:2], label_smoothing=0.1) == smooth
    assert loss(CLASSES[:1], FOUR[:1], label_smoothing=0.1) == [-0.925 * np.log(0.7) - 0.075 * np.log(0.1)]


def test_focal_loss_takes_smooth_labels_of_more_classes() -> None:
    true, other = 0.25 * 0.3**2 * -np.log(0.7), 0.25 * 0.9**2 * -np.log(0.1)
    assert loss(CLASSES[:1], FOUR[:1], balance="focal", label_smoothing=0.1) == [0.925 * true + 3 * 0.025 * other]


def test_focal_loss_takes_smooth_labels_of_two_classes() -> None:
    """Of a smooth label 0.95 and 0.05 the probability of the truth and its weight are mixed like the crossentropy."""
    truth, weight = 0.95 * 0.9 + 0.05 * 0.1, 0.95 * 0.25 + 0.05 * 0.75
    expected = weight * (1 - truth) ** 2 * (-0.95 * np.log(0.9) - 0.05 * np.log(0.1))
    assert loss(TRUTH[:1], P[:1], balance="focal", label_smoothing=0.1) == [expected]
