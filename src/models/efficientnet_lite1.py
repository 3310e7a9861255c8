"""EfficientNet-Lite1, published at 240 pixels a side, untrained or with ImageNet weights."""

import keras

from src.models import _efficientnet_lite as lite

VERSION = lite.Version(1, 1.0, 1.1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850")


def features(
    image: keras.KerasTensor,
    *,
    dropout: float,
    stride: int,
    pooling: str,
    weights: str = "none",
    sha256: str | None = None,
) -> keras.KerasTensor:
    """Return (N, 1280) features with pooling average or max; its strides are its own, so that value has no effect."""
    return lite.features(image, VERSION, dropout=dropout, pooling=pooling, weights=weights, sha256=sha256)
