"""The classification report says what scikit-learn's does."""

import math

import numpy as np
import pytest
from sklearn.metrics import classification_report

from src.evaluation import classification


def ours(labels: list[int], decisions: list[int], classes: int) -> dict[str, list[float]]:
    table = classification.lines(np.array(labels), np.array(decisions), tuple("abcdefghij"[:classes]))
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


def test_the_table_has_an_empty_field_where_nothing_can_be_told() -> None:
    table = classification.as_table(classification.lines(np.array([0, 1]), np.array([0, 1]), ("a", "b", "c")))
    assert table[2] == {"class": "c", "precision": "", "recall": "", "f1": "", "support": 0}
    assert table[0] == {"class": "a", "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
