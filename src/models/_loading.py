"""Trained models from their files."""

import zipfile
from pathlib import Path

import keras

from src.errors import AssayError


def load(path: Path) -> keras.Model:
    """Read a trained model for prediction.

    Raises:
        AssayError: the file is missing or is no Keras model.
    """
    if not path.is_file():
        raise AssayError(f"{path}: not found; run the stage train with `dvc repro train`")
    if not zipfile.is_zipfile(path):
        raise AssayError(f"{path}: expected a Keras model, found something else")
    return keras.saving.load_model(path, compile=False)
