"""Fire modules (Iandola et al. 2016, arXiv:1602.07360) with batch normalization, and no dense layer."""

from src.models._build import flat

import keras
from keras import layers

MOMENTUM = 0.85
POOLED = ((12, 24), (24, 48), (32, 64), (24, 48), (18, 36))
LAST = (12, 24)

OPTIONS = ("stride", "pooling")  # there is no dropout


def features(image: keras.KerasTensor, *, stride: int, pooling: str) -> keras.KerasTensor:
    """Return (N, 24) features with pooling average, as published.

    Max poolings round sizes up, so that no image is too small; at the published 128x128, no rounding is needed.
    """
    x = _convolution(image, 12, 5, stride)
    for squeeze, expand in POOLED:
        x = layers.MaxPooling2D(2, padding="same")(_fire(x, squeeze, expand))
    return flat(_fire(x, *LAST), pooling)


def _fire(x: keras.KerasTensor, squeeze: int, expand: int) -> keras.KerasTensor:
    x = _convolution(x, squeeze, 1)
    return layers.Concatenate()([_convolution(x, expand // 2, side) for side in (1, 3)])


def _convolution(x: keras.KerasTensor, width: int, side: int, stride: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(width, side, strides=stride, padding="same", activation="relu")(x)
    return layers.BatchNormalization(momentum=MOMENTUM)(x)
