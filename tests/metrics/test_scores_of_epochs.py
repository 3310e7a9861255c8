"""Scores followed during training agree with scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from src.metrics.scores import epoch_scores


def test_auc_equals_that_of_scikit_learn_also_with_ties() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 200)
    for scale in (3, 1000):
        probabilities = (random.integers(0, scale, (200, 1)) / scale).astype(np.float32)
        assert epoch_scores(targets, probabilities)["auc"] == pytest.approx(roc_auc_score(targets, probabilities))


def test_auc_of_several_classes_is_the_mean_over_one_against_the_others() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 4, 200)
    probabilities = random.dirichlet(np.ones(4), 200).astype(np.float32)
    ours = epoch_scores(targets, probabilities)["auc"]
    singles = [roc_auc_score(targets == k, probabilities[:, k]) for k in range(4)]
    assert ours == pytest.approx(np.mean(singles))


def test_a_class_that_is_absent_does_not_count() -> None:
    targets = np.array([0, 1, 1, 0])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1]], np.float32)
    assert epoch_scores(targets, probabilities)["auc"] == 1.0


def test_accuracy_cuts_one_output_at_a_half_and_takes_the_largest_of_several() -> None:
    assert epoch_scores(np.array([1, 0, 1, 1]), np.array([[0.6], [0.5], [0.4], [0.9]], np.float32))["accuracy"] == 0.75
    assert epoch_scores(np.array([2, 0]), np.array([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], np.float32))["accuracy"] == 0.5


def test_precision_and_recall_equal_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    targets, one = random.integers(0, 2, 50), random.uniform(size=(50, 1)).astype(np.float32)
    assert epoch_scores(targets, one)["precision"] == pytest.approx(precision_score(targets, one[:, 0] > 0.5))
    assert epoch_scores(targets, one)["recall"] == pytest.approx(recall_score(targets, one[:, 0] > 0.5))
    targets, four = random.integers(0, 4, 50), random.dirichlet(np.ones(4), 50).astype(np.float32)
    decided = four.argmax(axis=1)
    assert epoch_scores(targets, four)["precision"] == pytest.approx(precision_score(targets, decided, average="macro"))
    assert epoch_scores(targets, four)["recall"] == pytest.approx(recall_score(targets, decided, average="macro"))


def test_precision_is_0_without_an_alarm_and_absent_classes_do_not_count() -> None:
    assert epoch_scores(np.array([0, 1]), np.array([[0.1], [0.2]], np.float32))["precision"] == 0
    shown = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], np.float32)
    assert epoch_scores(np.array([0, 1]), shown)["precision"] == epoch_scores(np.array([0, 1]), shown)["recall"] == 1
