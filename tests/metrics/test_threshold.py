import numpy as np
import pytest

from src.metrics.threshold import choose

POSITIVE = np.array([False, False, False, True, False, True, True, True])
SCORE = np.array([0.1, 0.2, 0.3, 0.35, 0.6, 0.7, 0.8, 0.9])


def test_youden_finds_the_largest_sensitivity_plus_specificity() -> None:
    gains = {cut: youden(cut) for cut in np.linspace(0.05, 0.95, 91)}
    assert youden(choose(POSITIVE, SCORE, "youden").value) == max(gains.values())


def test_f1_finds_the_largest_f1() -> None:
    gains = {cut: f1(cut) for cut in np.linspace(0.05, 0.95, 91)}
    assert f1(choose(POSITIVE, SCORE, "f1").value) == max(gains.values())


def test_youden_and_f1_differ_where_cases_are_rare() -> None:
    positive = np.array([True] * 10 + [False] * 100)
    score = np.concatenate([np.full(6, 0.8), np.full(4, 0.4), np.full(88, 0.1), np.full(12, 0.4)])
    assert choose(positive, score, "youden").value == 0.25
    assert choose(positive, score, "f1").value == pytest.approx(0.6)


def test_it_lies_halfway_between_neighbouring_scores() -> None:
    assert choose(np.array([False, True]), np.array([0.2, 0.6]), "youden").value == pytest.approx(0.4)


def test_of_equally_good_ones_the_nearest_to_one_half_is_taken() -> None:
    positive = np.array([False, True, False, True])
    assert choose(positive, np.array([0.1, 0.2, 0.45, 0.95]), "youden").value == pytest.approx(0.7)
    assert choose(positive, np.array([0.05, 0.55, 0.8, 0.9]), "youden").value == pytest.approx(0.3)


def test_a_number_is_taken_as_it_is() -> None:
    found = choose(POSITIVE, SCORE, 0.25)
    assert (found.value, found.rule, found.note) == (0.25, "fixed", "")


@pytest.mark.parametrize("rule", ["youden", "f1"])
def test_a_single_class_falls_back_and_says_so(rule: str) -> None:
    found = choose(np.array([True, True]), np.array([0.2, 0.9]), rule)
    assert (found.value, found.rule) == (0.5, "fallback")
    assert "one class" in found.note


@pytest.mark.parametrize("rule", ["youden", "f1"])
def test_constant_scores_fall_back_and_say_so(rule: str) -> None:
    found = choose(np.array([True, False]), np.array([0.3, 0.3]), rule)
    assert (found.value, found.rule) == (0.5, "fallback")
    assert "same" in found.note


def test_no_images_fall_back() -> None:
    assert choose(np.array([], dtype=bool), np.array([]), "youden").rule == "fallback"


def youden(cut: float) -> float:
    chosen = cut <= SCORE
    return float(chosen[POSITIVE].mean() - chosen[~POSITIVE].mean())


def f1(cut: float) -> float:
    chosen = cut <= SCORE
    return float(2 * (chosen & POSITIVE).sum() / (POSITIVE.sum() + chosen.sum()))
