import json
import math
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import classification_report

from src.evaluate.results import Results, Rules, classification, compute, merge_groups, summarise
from src.metrics.predictions import Scored
from tests.evaluate import helpers

RULES = Rules("youden", 0.95, 200, 42)


def numbers(tree: object) -> list[float]:
    if isinstance(tree, dict):
        return [number for value in tree.values() for number in numbers(value)]
    if isinstance(tree, str):  # why there is no temperature
        return []
    assert isinstance(tree, int | float)
    return [tree]


def test_the_threshold_comes_from_val_and_never_sees_test() -> None:
    val = helpers.binary([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.7])
    tests = [helpers.random(50, 2, seed) for seed in range(5)]
    assert {compute(test, val, RULES).threshold.value for test in tests} == {0.4}


def test_decisions_on_test_use_the_threshold_of_val() -> None:
    val = helpers.binary([0, 1], [0.7, 0.9])
    found = compute(helpers.binary([0, 1, 1], [0.75, 0.78, 0.85]), val, RULES)
    assert found.decisions.tolist() == [0, 0, 1]


def test_many_classes_have_no_threshold_and_take_the_most_probable() -> None:
    scored = helpers.random(60, 4)
    found = compute(scored, scored, RULES)
    assert found.threshold is None
    assert (found.decisions == scored.probabilities.argmax(axis=1)).all()
    assert "threshold" not in summarise(found)


def test_groups_are_merged_to_their_mean_probability() -> None:
    merged = merge_groups(helpers.binary([0, 0, 1, 1], [0.1, 0.3, 0.5, 0.7], [0, 0, 1, 1]))
    assert merged is not None
    assert merged.probabilities[:, 1].tolist() == pytest.approx([0.2, 0.6])
    assert merged.labels.tolist() == [0, 1]


def test_groups_of_equal_probabilities_are_equal() -> None:
    merged = merge_groups(helpers.binary([0] * 3 + [1] * 7, [0.49780104] * 10, [0] * 3 + [1] * 7))
    assert merged is not None
    assert np.unique(merged.probabilities[:, 1]).size == 1


def test_groups_with_images_of_two_classes_are_not_merged() -> None:
    scored = helpers.binary([0, 1, 1, 0], [0.1, 0.3, 0.5, 0.7], [0, 0, 1, 1])
    assert merge_groups(scored) is None
    assert any("more than one class" in note for note in compute(scored, scored, RULES).notes)


def test_one_image_a_group_gives_nothing_to_merge() -> None:
    assert merge_groups(helpers.binary([0, 1], [0.1, 0.9], [0, 1])) is None


def test_val_with_a_single_class_is_told() -> None:
    found = compute(helpers.random(40, 2), helpers.binary([1, 1], [0.2, 0.9]), RULES)
    assert found.threshold.value == 0.5
    assert any("one class only" in note for note in found.notes)


@pytest.mark.parametrize(
    ("scored", "words"),
    [
        (helpers.binary([0, 0, 0], [0.1, 0.2, 0.3]), "no image of b"),
        (helpers.binary([0, 1, 0], [0.5, 0.5, 0.5]), "same probability"),
        (helpers.random(40, 2, strength=0), "within chance"),
        (helpers.binary([0, 1, 0], [0.1, 0.5, 0.6]), "No groups are known"),
        (helpers.binary([0, 1, 0], [0.1, 0.5, 0.6], [0, 0, 0]), "single group"),
        (helpers.binary([0, 1, 0], [0.1, 0.5, 0.6], [0, 1, 2]), "only 3 groups"),
        (helpers.binary([0, 1, 0], [0.1, 0.5, 0.6], [0, 1, 2]), "resamples lacked a class"),
    ],
)
def test_what_weakens_the_scores_is_told(scored: Scored, words: str) -> None:
    assert any(words in note for note in compute(scored, helpers.random(40, 2), RULES).notes)


def test_a_sound_test_part_needs_no_note() -> None:
    scored = helpers.random(200, 2)
    assert compute(scored, scored, RULES).notes == ()


@pytest.mark.parametrize(
    "scored",
    [
        helpers.random(100, 2),
        helpers.random(100, 8),
        helpers.binary([1, 1], [0.9, 0.9]),
        helpers.binary([1], [0.0]),
        helpers.scored([0, 2], np.full((2, 3), 1 / 3)),
    ],
)
def test_the_summary_is_json_without_nan_with_low_value_high_in_order(scored: Scored) -> None:
    tree = summarise(compute(scored, scored, RULES))
    json.dumps(tree, allow_nan=False)
    assert np.isfinite(numbers(tree)).all()
    for score in tree["test"].values():
        if isinstance(score, dict) and "low" in score:
            assert score["low"] <= score["value"] <= score["high"]


def test_the_summary_nests_value_low_and_high_and_rounds_to_six_decimals() -> None:
    tree = summarise(compute(helpers.random(100, 4), helpers.random(40, 4, 1), RULES))
    assert set(tree["test"]["auc"]) == {"value", "low", "high"}
    assert set(tree["test"]["classes"]["c"]["sensitivity"]) == {"value", "low", "high"}
    assert isinstance(tree["val"]["auc"], float)
    assert all(round(number, 6) == number for number in numbers(tree))


def test_the_same_seed_gives_the_same_findings() -> None:
    def again() -> Results:
        return compute(helpers.random(100, 2), helpers.random(40, 2, 1), RULES)

    assert summarise(again()) == summarise(again())


def ours(labels: list[int], decisions: list[int], classes: int) -> dict[str, list[float]]:
    table = classification(np.array(labels), np.array(decisions), tuple("abcdefghij"[:classes]))
    return {line.name: list(line[1:]) for line in table}


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_every_line_is_that_of_sklearn(classes: int) -> None:
    random = np.random.default_rng(classes)
    labels = random.choice(classes, 300, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    decisions = np.where(random.random(300) < 0.5, labels, random.integers(classes, size=300))
    names = list("abcdefghij"[:classes])
    expected = classification_report(labels, decisions, target_names=names, output_dict=True)
    found = ours(labels.tolist(), decisions.tolist(), classes)
    for name, theirs in [
        *zip(names, names, strict=True),
        ("macro average", "macro avg"),
        ("weighted average", "weighted avg"),
    ]:
        assert found[name] == pytest.approx(
            [expected[theirs][key] for key in ("precision", "recall", "f1-score", "support")]
        )


def test_a_class_that_nothing_is_taken_for_has_precision_zero_as_in_sklearn() -> None:
    labels, decisions = [0, 0, 1, 2], [0, 1, 1, 0]
    expected = classification_report(labels, decisions, target_names=["a", "b", "c"], output_dict=True, zero_division=0)
    found = ours(labels, decisions, 3)
    assert found["c"] == [0, 0, 0, 1]
    assert found["macro average"][:3] == pytest.approx(
        [expected["macro avg"][key] for key in ("precision", "recall", "f1-score")]
    )


def test_a_class_without_an_image_stays_out_of_the_averages() -> None:
    labels, decisions = [0, 0, 1, 1], [0, 2, 1, 0]
    found = ours(labels, decisions, 3)
    assert all(math.isnan(value) for value in found["c"][:3])
    assert found["macro average"] == pytest.approx([(1 / 2 + 1) / 2, 1 / 2, (1 / 2 + 2 / 3) / 2, 4])


UNWANTED = {"tensorflow", "keras", "matplotlib", "sklearn", "pandas", "cv2", "jinja2"}


def test_scores_and_intervals_load_neither_tensorflow_nor_figures() -> None:
    code = f"import sys, src.evaluate.results; print(sorted({UNWANTED!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
