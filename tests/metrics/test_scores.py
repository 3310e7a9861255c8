import math

import numpy as np
import pytest
from sklearn import metrics as sk

from src.metrics.predictions import Scored
from src.metrics.scores import calibration_error, confusion, measure, one_against_rest, reliability
from tests.evaluate import helpers


def values(scored: Scored, threshold: float = 0.5) -> dict[tuple[str, ...], float]:
    found = measure(scored, scored.decide(threshold), np.ones((1, scored.size)))
    return {key: float(value[0]) for key, value in found.items()}


def test_scores_of_a_case_that_can_be_counted_by_hand() -> None:
    scored = helpers.binary([1, 1, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.3, 0.7, 0.4, 0.2, 0.1, 0.1])
    found = values(scored)
    assert found[("accuracy",)] == 6 / 8
    assert found[("precision",)] == pytest.approx(2 / 3)
    assert found[("sensitivity",)] == pytest.approx(2 / 3)
    assert found[("specificity",)] == 4 / 5
    assert found[("balanced_accuracy",)] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found[("f1",)] == pytest.approx(2 / 3)
    assert found[("auc",)] == pytest.approx(13 / 15)  # of 15 pairs 0.3 loses to 0.7 and 0.4
    assert found[("average_precision",)] == pytest.approx((1 + 1 + 3 / 5) / 3)


def test_equal_scores_count_half_in_the_area() -> None:
    assert values(helpers.binary([1, 0, 0], [0.5, 0.5, 0.2]))[("auc",)] == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_two_classes_agree_with_sklearn(seed: int) -> None:
    scored = helpers.random(150, 2, seed)
    labels, score, taken = scored.labels, scored.probabilities[:, 1], scored.decide(0.4)
    found = values(scored, 0.4)
    rounded = np.round(scored.probabilities, 7)
    assert found == pytest.approx(
        {
            ("accuracy",): sk.accuracy_score(labels, taken),
            ("balanced_accuracy",): sk.balanced_accuracy_score(labels, taken),
            ("precision",): sk.precision_score(labels, taken),
            ("sensitivity",): sk.recall_score(labels, taken),
            ("specificity",): sk.recall_score(labels, taken, pos_label=0),
            ("f1",): sk.f1_score(labels, taken),
            ("auc",): sk.roc_auc_score(labels, score),
            ("average_precision",): sk.average_precision_score(labels, score),
            ("log_loss",): sk.log_loss(labels, rounded),
            ("brier",): sk.brier_score_loss(labels, score),
        }
    )


@pytest.mark.parametrize("classes", [3, 8])
def test_many_classes_agree_with_sklearn(classes: int) -> None:
    scored = helpers.random(400, classes, strength=1.5)
    exact = helpers.scored(scored.labels.tolist(), normalised(scored.probabilities))
    labels, probabilities, taken = exact.labels, exact.probabilities, exact.decide(0.5)
    found = values(exact)
    assert found[("accuracy",)] == pytest.approx(sk.accuracy_score(labels, taken))
    assert found[("balanced_accuracy",)] == pytest.approx(sk.balanced_accuracy_score(labels, taken))
    assert found[("precision",)] == pytest.approx(sk.precision_score(labels, taken, average="macro"))
    assert found[("sensitivity",)] == pytest.approx(sk.recall_score(labels, taken, average="macro"))
    assert found[("f1",)] == pytest.approx(sk.f1_score(labels, taken, average="macro"))
    assert found[("auc",)] == pytest.approx(sk.roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert found[("log_loss",)] == pytest.approx(sk.log_loss(labels, probabilities))
    assert found[("brier",)] == pytest.approx(sk.brier_score_loss(labels, probabilities))
    each = sk.average_precision_score(np.eye(classes)[labels], probabilities, average=None)
    assert [found[("classes", name, "average_precision")] for name in exact.classes] == pytest.approx(list(each))


def test_a_weight_of_two_is_an_image_that_is_there_twice() -> None:
    scored = helpers.random(60, 3)
    weights = np.random.default_rng(1).integers(0, 4, size=60)
    weights[:3] = 1
    places = np.repeat(np.arange(60), weights)
    repeated = helpers.scored(scored.labels[places].tolist(), scored.probabilities[places])
    weighted = measure(scored, scored.decide(0.5), weights[None].astype(float))
    assert {key: value[0] for key, value in weighted.items()} == pytest.approx(values(repeated))


def test_without_an_image_of_a_class_its_scores_cannot_be_told() -> None:
    found = values(helpers.binary([0, 0, 0], [0.9, 0.2, 0.1]))
    unknown = {key[0] for key, value in found.items() if math.isnan(value)}
    assert unknown == {"precision", "sensitivity", "f1", "auc", "average_precision"}
    assert found[("specificity",)] == pytest.approx(2 / 3)


def test_a_class_that_is_absent_does_not_spoil_the_means_of_the_others() -> None:
    scored = helpers.scored(
        [0, 0, 1, 1], np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    )
    found = values(scored)
    assert found[("sensitivity",)] == 0.75
    assert found[("auc",)] == 1.0
    assert math.isnan(found[("classes", "c", "auc")])


def test_precision_is_zero_where_a_class_is_never_chosen() -> None:
    found = values(helpers.binary([0, 1], [0.1, 0.2]))
    assert found[("precision",)] == 0
    assert found[("f1",)] == 0


def test_constant_predictions_tell_nothing_apart() -> None:
    found = values(helpers.binary([0, 1, 1, 0], [0.5] * 4))
    assert found[("auc",)] == 0.5
    assert found[("average_precision",)] == 0.5


def test_a_certain_mistake_costs_a_finite_log_loss() -> None:
    assert values(helpers.binary([1], [0.0]))[("log_loss",)] == pytest.approx(-math.log(1e-7))


def test_the_threshold_itself_counts_as_positive() -> None:
    assert helpers.binary([0, 1], [0.5, 0.49]).decide(0.5).tolist() == [1, 0]


def test_confusion_has_true_classes_as_rows() -> None:
    matrix = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_reliability_puts_one_into_the_last_bin() -> None:
    counts, means, frequencies = reliability(np.array([0.05, 0.06, 0.95, 1.0]), np.array([False, True, True, True]))
    assert counts.tolist() == [2, 2]
    assert means.tolist() == pytest.approx([0.055, 0.975])
    assert frequencies.tolist() == [0.5, 1.0]


def test_calibration_error_is_the_mean_distance_weighted_by_images() -> None:
    scored = helpers.binary([1, 0, 1, 1], [0.75, 0.75, 0.75, 0.95])
    assert calibration_error(scored, scored.decide(0.5)) == pytest.approx(0.75 * (0.75 - 2 / 3) + 0.25 * 0.05)


def test_rows_of_weights_do_not_touch_each_other() -> None:
    positive, score = np.array([True, False, True]), np.array([0.9, 0.8, 0.1])
    both = one_against_rest(positive, score, score > 0.5, np.array([[1.0, 1, 1], [1, 1, 0]]))
    assert both["auc"].tolist() == [0.5, 1.0]
    assert both["sensitivity"].tolist() == [0.5, 1.0]


def normalised(probabilities: np.ndarray) -> np.ndarray:
    return (probabilities + 0.01) / (probabilities + 0.01).sum(axis=1, keepdims=True)
