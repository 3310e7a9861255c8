"""Train a model on the train part: augmented batches, one loop that can be interrupted, reproducible outputs."""

from src import models  # noqa: F401  must be first: it loads TensorFlow with fixed numerics
from src.train.loop import Fitted, OnEpoch, fit
from src.train.stage import run

__all__ = ["Fitted", "OnEpoch", "fit", "run"]
