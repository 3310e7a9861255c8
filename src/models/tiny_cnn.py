"""One small convolution and a bottleneck of two units."""

from src.models._build import flat

import keras
from keras import layers


def features(image: keras.KerasTensor, *, dropout: float, stride: int, pooling: str) -> keras.KerasTensor:
    """Return (N, 2) features."""
    x = layers.Conv2D(6, 3, strides=stride, activation="relu")(image)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(dropout)(x)
    x = flat(x, pooling)
    return layers.Dense(2, activation="relu")(x)
