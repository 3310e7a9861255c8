import json

import numpy as np
import pytest

from src.evaluation.findings import Findings, Rules, find, merge_groups
from src.evaluation.scored import Scored
from src.evaluation.findings import summarise
from tests.evaluation import cases

RULES = Rules("youden", 0.95, 200, 42)


def numbers(tree: object) -> list[float]:
    if isinstance(tree, dict):
        return [number for value in tree.values() for number in numbers(value)]
    assert isinstance(tree, int | float)
    return [tree]


def test_the_threshold_comes_from_val_and_never_sees_test() -> None:
    val = cases.binary([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.7])
    tests = [cases.random(50, 2, seed) for seed in range(5)]
    assert {find(test, val, RULES).threshold.value for test in tests} == {0.4}


def test_decisions_on_test_use_the_threshold_of_val() -> None:
    val = cases.binary([0, 1], [0.7, 0.9])
    found = find(cases.binary([0, 1, 1], [0.75, 0.78, 0.85]), val, RULES)
    assert found.decisions.tolist() == [0, 0, 1]


def test_many_classes_have_no_threshold_and_take_the_most_probable() -> None:
    scored = cases.random(60, 4)
    found = find(scored, scored, RULES)
    assert found.threshold is None
    assert (found.decisions == scored.probabilities.argmax(axis=1)).all()
    assert "threshold" not in summarise(found)


def test_groups_are_merged_to_their_mean_probability() -> None:
    merged = merge_groups(cases.binary([0, 0, 1, 1], [0.1, 0.3, 0.5, 0.7], [0, 0, 1, 1]))
    assert merged is not None
    assert merged.probabilities[:, 1].tolist() == pytest.approx([0.2, 0.6])
    assert merged.labels.tolist() == [0, 1]


def test_groups_of_equal_probabilities_are_equal() -> None:
    merged = merge_groups(cases.binary([0] * 3 + [1] * 7, [0.49780104] * 10, [0] * 3 + [1] * 7))
    assert merged is not None
    assert np.unique(merged.probabilities[:, 1]).size == 1


def test_groups_with_images_of_two_classes_are_not_merged() -> None:
    scored = cases.binary([0, 1, 1, 0], [0.1, 0.3, 0.5, 0.7], [0, 0, 1, 1])
    assert merge_groups(scored) is None
    assert any("more than one class" in note for note in find(scored, scored, RULES).notes)


def test_one_image_a_group_gives_nothing_to_merge() -> None:
    assert merge_groups(cases.binary([0, 1], [0.1, 0.9], [0, 1])) is None


def test_val_with_a_single_class_is_told() -> None:
    found = find(cases.random(40, 2), cases.binary([1, 1], [0.2, 0.9]), RULES)
    assert found.threshold.value == 0.5
    assert any("one class only" in note for note in found.notes)


@pytest.mark.parametrize(
    ("scored", "words"),
    [
        (cases.binary([0, 0, 0], [0.1, 0.2, 0.3]), "no image of b"),
        (cases.binary([0, 1, 0], [0.5, 0.5, 0.5]), "same probability"),
        (cases.random(40, 2, strength=0), "cannot be told from guessing"),
        (cases.binary([0, 1, 0], [0.1, 0.5, 0.6]), "No groups are known"),
        (cases.binary([0, 1, 0], [0.1, 0.5, 0.6], [0, 0, 0]), "single group"),
        (cases.binary([0, 1, 0], [0.1, 0.5, 0.6], [0, 1, 2]), "only 3 groups"),
        (cases.binary([0, 1, 0], [0.1, 0.5, 0.6], [0, 1, 2]), "resamples lacked a class"),
    ],
)
def test_what_weakens_the_scores_is_told(scored: Scored, words: str) -> None:
    assert any(words in note for note in find(scored, cases.random(40, 2), RULES).notes)


def test_a_sound_test_part_needs_no_note() -> None:
    scored = cases.random(200, 2)
    assert find(scored, scored, RULES).notes == ()


@pytest.mark.parametrize(
    "scored",
    [
        cases.random(100, 2),
        cases.random(100, 8),
        cases.binary([1, 1], [0.9, 0.9]),
        cases.binary([1], [0.0]),
        cases.scored([0, 2], np.full((2, 3), 1 / 3)),
    ],
)
def test_the_summary_is_json_without_nan_with_low_value_high_in_order(scored: Scored) -> None:
    tree = summarise(find(scored, scored, RULES))
    json.dumps(tree, allow_nan=False)
    assert np.isfinite(numbers(tree)).all()
    for score in tree["test"].values():
        if isinstance(score, dict) and "low" in score:
            assert score["low"] <= score["value"] <= score["high"]


def test_the_summary_nests_value_low_and_high_and_rounds_to_six_decimals() -> None:
    tree = summarise(find(cases.random(100, 4), cases.random(40, 4, 1), RULES))
    assert set(tree["test"]["auc"]) == {"value", "low", "high"}
    assert set(tree["test"]["classes"]["c"]["sensitivity"]) == {"value", "low", "high"}
    assert isinstance(tree["val"]["auc"], float)
    assert all(round(number, 6) == number for number in numbers(tree))


def test_the_same_seed_gives_the_same_findings() -> None:
    def again() -> Findings:
        return find(cases.random(100, 2), cases.random(40, 2, 1), RULES)

    assert summarise(again()) == summarise(again())
