"""Two convolutions, each followed by max pooling, with dropout after the first and before the dense layer."""

from src.models._build import flat

import keras
from keras import layers


def features(image: keras.KerasTensor, *, dropout: float, stride: int, pooling: str) -> keras.KerasTensor:
    """Return (N, 64) features."""
    x = layers.Conv2D(32, 3, strides=stride, activation="relu")(image)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = flat(x, pooling)
    x = layers.Dropout(dropout)(x)
    return layers.Dense(64, activation="relu")(x)
