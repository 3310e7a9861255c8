"""From a score to an answer: the network and its preparation in one bundle, and the predictor that reads it.

>>> from src.export import load
>>> load("build/bundle").predict("a.jpg")  # doctest: +SKIP
Prediction(name='a.jpg', label='CT_COVID', ...)
"""

from pathlib import Path
from typing import TYPE_CHECKING

from src.core.paths import BUNDLE

if TYPE_CHECKING:
    from src.export.predictor import Predictor

__all__ = ["load"]


def load(path: str | Path = BUNDLE.folder) -> "Predictor":
    """Load a bundle, from its folder or a .zip of it, ready to predict.

    Raises:
        AssayError: a file of it is missing, or does not belong to it.
    """
    from src.export import bundle, predictor  # ONNX Runtime is loaded where it is used

    return predictor.Predictor(bundle.read(Path(path)))
