"""EfficientNet-Lite2, published at 260 pixels a side, untrained or with ImageNet weights."""

import keras

from src.models import _efficientnet_lite as lite

VERSION = lite.Version(2, 1.1, 1.2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d")


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
