"""A trained model is read from its file, or one line says why not."""

from pathlib import Path

import pytest

from src.errors import AssayError
from src.models import load


def test_a_missing_model_names_the_stage_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"model\.keras: not found; run the stage train"):
        load(tmp_path / "model.keras")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_text("weights")
    with pytest.raises(AssayError, match=r"model\.keras: expected a Keras model"):
        load(tmp_path / "model.keras")
