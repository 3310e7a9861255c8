"""Scores followed during training agree with scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from src.training import scores


def test_auc_equals_that_of_scikit_learn_also_with_ties() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 200)
    for scale in (3, 1000):
        probabilities = (random.integers(0, scale, (200, 1)) / scale).astype(np.float32)
        assert scores.auc(targets, probabilities) == pytest.approx(roc_auc_score(targets, probabilities))


def test_auc_of_several_classes_is_the_mean_over_one_against_the_others() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 4, 200)
    probabilities = random.dirichlet(np.ones(4), 200).astype(np.float32)
    ours = scores.auc(targets, probabilities)
    singles = [roc_auc_score(targets == k, probabilities[:, k]) for k in range(4)]
    assert ours == pytest.approx(np.mean(singles))


def test_a_class_that_is_absent_does_not_count() -> None:
    targets = np.array([0, 1, 1, 0])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]], np.float32)
    assert scores.auc(targets, probabilities) == 1.0


def test_accuracy_cuts_one_output_at_a_half_and_takes_the_largest_of_several() -> None:
    assert scores.accuracy(np.array([1, 0, 1, 1]), np.array([[0.6], [0.5], [0.4], [0.9]], np.float32)) == 0.75
    assert scores.accuracy(np.array([2, 0]), np.array([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], np.float32)) == 0.5
