"""Three convolutions of 64 filters and two dense layers, for stained blood cells with and without parasites."""

from src.models._build import flat

import keras
from keras import layers

OPTIONS = ("stride", "pooling")  # it has no dropout


def features(image: keras.KerasTensor, *, stride: int, pooling: str) -> keras.KerasTensor:
    """Return (N, 64) features."""
    x = image
    for step in (stride, 1, 1):
        x = layers.Conv2D(64, 3, strides=step, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = flat(x, pooling)
    for _ in range(2):
        x = layers.Dense(64, activation="relu")(x)
    return x
