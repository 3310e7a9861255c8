import numpy as np

from src.evaluate.cam_overlay import CLASSES, EACH, choose, classes
from tests.evaluate import helpers


def test_the_surest_right_and_wrong_ones_of_each_class_are_chosen() -> None:
    scored = helpers.binary([1, 1, 1, 1, 1, 1, 0, 0], [0.7, 0.9, 0.8, 0.3, 0.1, 0.2, 0.4, 0.95])
    chosen = choose(scored, scored.decide(0.5))
    assert [(case.place, case.true, case.predicted) for case in chosen] == [
        *[(6, 0, 0), (7, 0, 1)],
        *[(1, 1, 1), (2, 1, 1), (4, 1, 0), (5, 1, 0)],
    ]
    assert [case.right for case in chosen] == [True, False, True, True, False, False]


def test_a_decision_by_the_threshold_counts_not_the_larger_probability() -> None:
    scored = helpers.binary([1, 0], [0.3, 0.25])
    assert [(case.true, case.predicted) for case in choose(scored, scored.decide(0.2))] == [(0, 1), (1, 1)]


def test_no_two_are_of_one_group() -> None:
    scored = helpers.binary([1, 1, 1, 1], [0.9, 0.8, 0.7, 0.6], groups=[0, 0, 0, 1])
    assert [case.place for case in choose(scored, scored.decide(0.5))] == [0, 3]


def test_equal_probabilities_keep_the_order_of_the_store() -> None:
    scored = helpers.binary([0] * 5, [0.1] * 5)
    assert [case.place for case in choose(scored, scored.decide(0.5))] == [0, 1]


def test_of_many_classes_those_with_the_most_mistakes_are_shown() -> None:
    labels = np.arange(80) % 8
    decisions = np.where((labels == 6) | ((labels == 7) & (np.arange(80) < 40)), 0, labels)
    scored = helpers.scored(labels.tolist(), np.full((80, 8), 1 / 8))
    assert classes(scored, decisions) == [0, 1, 2, 3, 6, 7]
    chosen = choose(scored, decisions)
    assert len(chosen) <= 2 * EACH * CLASSES
    assert {case.true for case in chosen} == {0, 1, 2, 3, 6, 7}
