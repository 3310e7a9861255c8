"""EfficientNet-Lite2, published at 260 pixels a side, untrained or with learned weights."""

import keras

from src.models import _efficientnet_lite as lite
from src.weights.efficientnet_lite import LITE2


def features(
    image: keras.KerasTensor,
    *,
    dropout: float,
    stride: int,
    pooling: str,
    weights: str = "none",
    sha256: str | None = None,
) -> keras.KerasTensor:
    """Return (N, 1280) features as `_efficientnet_lite`; `stride` has no effect, since the strides are its own."""
    return lite.features(image, version=LITE2, dropout=dropout, pooling=pooling, weights=weights, sha256=sha256)
