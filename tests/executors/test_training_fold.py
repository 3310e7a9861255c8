"""The training of a fold answers for what was held out of it, with the model that it hands over."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from src.executors.protocol import Fold
from tests.executors.conftest import Home, Run


def test_a_fold_is_answered_for_by_what_learned_from_its_other_rows(home: Home, run: Run, tmp_path: Path) -> None:
    from src import models
    from src.evaluate.predict import predict

    fold = Fold(tuple(range(30)), tuple(range(30, 40)), tuple(range(40, 60)))
    answer = run(replace(home.job(), fold=fold), home).answer
    assert answer is not None
    (tmp_path / "model.keras").write_bytes(answer.model)
    network, images = models.load(tmp_path / "model.keras"), np.load(home.prepared.images)
    for rows, said in ((fold.val, answer.val), (fold.held, answer.held)):
        np.testing.assert_allclose(predict(network, images, np.array(rows)), said, atol=1e-6)
    mirrored = run(replace(home.job(evaluate__tta="horizontal"), fold=fold), home).answer
    assert mirrored is not None
    assert mirrored.model == answer.model
    other = predict(network, images[:, :, ::-1], np.array(fold.held))
    np.testing.assert_allclose(mirrored.held, (answer.held + other) / 2, atol=1e-6)


def test_a_fold_without_val_learns_for_all_epochs(home: Home, run: Run) -> None:
    asked = replace(home.job(train__epochs=3, train__patience=1), fold=Fold(tuple(range(40)), (), ()))
    given = run(asked, home)
    assert [row["epoch"] for row in given.rows] == [1, 2, 3]
    assert not any("val_loss" in row for row in given.rows)
    assert given.answer is not None
    assert given.answer.val.shape == given.answer.held.shape == (0, 2)
