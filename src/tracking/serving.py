"""Puts a Keras model into MLflow so that `mlflow models serve` serves it."""

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import numpy as np

from src.tracking.records import Model

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

MIDDLE_GRAY = 128  # the input example is a plain gray image: none of a patient leaves with the model


def log_model(identity: str, model: Model) -> None:
    """Log a model as part of a run: input float32 (N, H, W, C) of pixels 0..255, output class probabilities (N, K)."""
    from src import models  # before Keras: it loads TensorFlow with fixed numerics
    from src.models._tensorflow import without_chatter

    network = models.load(model.file)
    import mlflow

    # MLflow tries the example, and Keras would show a progress bar for it.
    with mlflow.start_run(run_id=identity), without_chatter(), redirect_stdout(io.StringIO()):
        mlflow.tensorflow.log_model(
            network,
            name="model",
            signature=_signature(model.shape, network.output_shape[-1]),
            input_example=np.full((1, *model.shape), MIDDLE_GRAY, np.float32),
            pip_requirements=model.requirements,
        )


def _signature(shape: list[int], outputs: int) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    pixels = np.dtype(np.float32)
    return ModelSignature(Schema([TensorSpec(pixels, (-1, *shape))]), Schema([TensorSpec(pixels, (-1, outputs))]))
