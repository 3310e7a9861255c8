import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import auc

from src.evaluate import stage
from src.evaluate.results import Rules, compute
from src.metrics.predictions import Scored
from tests.evaluate import helpers

RULES = Rules(0.4, 0.95, 200, 42)


def table(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        return {name: [row[name] for row in rows] for name in reader.fieldnames or ()}


def test_the_area_below_the_corners_is_that_of_the_curve(tmp_path: Path) -> None:
    found = compute(helpers.random(300, 2), helpers.random(60, 2, 1), RULES)
    stage.write_plots(found, tmp_path)
    columns = [[float(cell) for cell in column] for column in table(tmp_path / "roc.csv").values()]
    assert auc(*columns) == pytest.approx(found.estimates.scores[("auc",)].value, abs=1e-4)


def test_confusion_has_a_row_for_every_test_image(tmp_path: Path) -> None:
    found = compute(helpers.binary([0, 1, 1], [0.1, 0.2, 0.9]), helpers.random(60, 2, 1), RULES)
    stage.write_plots(found, tmp_path)
    assert table(tmp_path / "confusion.csv") == {"actual": ["a", "b", "b"], "predicted": ["a", "a", "b"]}


def test_points_on_a_straight_line_are_left_out() -> None:
    x, y = np.array([0.0, 0, 0, 0.5, 1]), np.array([0.0, 0.2, 0.4, 0.4, 0.4])
    assert stage.corners(x, y).tolist() == [True, False, True, False, True]


@pytest.mark.parametrize("scored", [helpers.random(60, 5), helpers.binary([0, 0], [0.1, 0.9])])
def test_the_tables_are_there_whatever_the_classes(scored: Scored, tmp_path: Path) -> None:
    stage.write_plots(compute(scored, scored, RULES), tmp_path)
    assert set(table(tmp_path / "roc.csv")) == {"false_positive_rate", "true_positive_rate"}
    assert set(table(tmp_path / "precision_recall.csv")) == {"recall", "precision"}
