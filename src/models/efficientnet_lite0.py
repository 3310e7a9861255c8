"""EfficientNet-Lite0, published at 224 pixels a side, untrained or with ImageNet weights."""

import keras

from src.models import _efficientnet_lite as lite

VERSION = lite.Version(0, 1.0, 1.0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")


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
