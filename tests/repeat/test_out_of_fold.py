"""Labels that models doubt are found, the surest first; a doubt of one seed alone is none."""

from pathlib import Path

import numpy as np
import pytest

from src.core.files import read_csv
from src.evaluate.inputs import Image
from src.repeat import out_of_fold

CLASSES = ("a", "b", "c")


def known(count: int = 600, seed: int = 0, skill: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Give true classes, of which the first is far the most frequent, and probabilities that know them fairly well."""
    random = np.random.default_rng(seed)
    true = random.choice(3, count, p=[0.7, 0.2, 0.1])
    logits = random.normal(size=(count, 3)) + np.array([1.0, 0.0, -0.5])
    logits[np.arange(count), true] += skill
    return true, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_swapped_labels_are_among_the_first() -> None:
    true, probabilities = known()
    labels, wrong = true.copy(), np.arange(len(true)) % 20 == 0
    labels[wrong] = (labels[wrong] + 1) % 3
    order, doubted, suspected = out_of_fold.find_suspects(probabilities[None], labels)
    assert sorted(order) == list(range(len(true)))
    assert wrong[order[: len(true) // 10]].sum() > 0.9 * wrong.sum()
    assert wrong[doubted].mean() > 0.5
    assert (suspected[doubted] != labels[doubted]).all()
    assert (suspected[wrong] == true[wrong]).mean() > 0.8


def test_what_the_models_say_of_right_labels_is_seldom_doubted() -> None:
    true, probabilities = known(skill=8.0)
    assert len(out_of_fold.find_suspects(probabilities[None], true)[1]) < 0.02 * len(true)


def test_every_seed_has_to_doubt() -> None:
    labels = np.array([0, 0, 1, 1])
    sure = np.array([[0.0, 1.0], [0.7, 0.3], [0.3, 0.7], [0.3, 0.7]])
    unsure = np.array([[0.5, 0.5], [0.6, 0.4], [0.4, 0.6], [0.4, 0.6]])
    assert out_of_fold.find_suspects(sure[None], labels)[1].tolist() == [0]
    assert out_of_fold.find_suspects(np.stack([sure, sure]), labels)[1].tolist() == [0]
    order, doubted, _ = out_of_fold.find_suspects(np.stack([sure, unsure]), labels)
    assert doubted.tolist() == []
    assert order[0] == 0, "it is looked at first all the same"


def test_the_table_and_the_sheet_name_the_images(tmp_path: Path) -> None:
    true, probabilities = known(60)
    labels = true.copy()
    labels[7] = (labels[7] + 1) % 3
    images = [Image(row, "train", f"{row}.png", CLASSES[label], "") for row, label in enumerate(labels)]
    pixels = np.zeros((60, 8, 8, 1), np.uint8)
    table, sheet = tmp_path / "t.csv", tmp_path / "s.png"
    count = out_of_fold.write_suspects(table, sheet, images, CLASSES, pixels, probabilities[None])
    lines = read_csv(table, ("row", "path", "label", "suspected"))
    assert len(lines) == count > 0
    assert ("7.png", CLASSES[true[7]]) in {(line["path"], line["suspected"]) for line in lines}
    margins = [float(line["p_suspected"]) - float(line["p_label"]) for line in lines]
    assert margins[0] == pytest.approx(max(margins), abs=0.3)
    assert sheet.stat().st_size
