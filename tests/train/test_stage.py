"""A model file depends on the model alone, and Keras reads it; history.csv follows from the rows alone."""

import json
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from src import models
from src.core.paths import ModelFiles
from src.train import stage
from tests.train.conftest import rows


def make(seed: int = 1):
    models.start(seed, 2)
    return models.build("dropout_cnn", (16, 16, 1), 2)


def test_equal_models_give_equal_bytes_at_any_time_and_after_other_models(tmp_path: Path) -> None:
    stage.write(make(), tmp_path / "first.keras")
    models.build("dropout_cnn", (20, 20, 3), 4)
    time.sleep(2.1)  # a zip file counts time in steps of two seconds
    stage.write(make(), tmp_path / "second.keras")
    stage.write(make(2), tmp_path / "other.keras")
    first, second, other = ((tmp_path / f"{name}.keras").read_bytes() for name in ("first", "second", "other"))
    assert first == second
    assert first != other


@pytest.mark.parametrize("name", ["dropout_cnn", "tiny_cnn", "reduced_inception"])
def test_a_model_read_back_predicts_the_same(name: str, tmp_path: Path) -> None:
    model = models.build(name, (24, 24, 1), 3, stride=2)
    stage.write(model, tmp_path / "model.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 1)).astype(np.float32)
    again = models.load(tmp_path / "model.keras")
    assert np.array_equal(model(pixels), again(pixels))


def test_the_file_holds_no_date_and_no_memory_address(tmp_path: Path) -> None:
    stage.write(make(), tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert set(json.loads(archive.read("metadata.json"))) == {"keras_version"}
        assert b"shared_object_id" not in archive.read("config.json")


def test_the_file_has_a_fixed_number_of_decimals(tmp_path: Path) -> None:
    out = ModelFiles(tmp_path)
    stage.write_history(rows(1 / 3), out)
    assert out.history.read_bytes() == (
        b"epoch,loss,accuracy,auc,precision,recall,val_loss,val_accuracy,val_auc,val_precision,val_recall,learning_rate\n"
        b"1,0.500000,0.750000,0.666667,0.250000,1.000000,0.333333,0.500000,0.500000,0.500000,0.500000,0.0001000000\n"
    )
