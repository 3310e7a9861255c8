"""The small network with which white blood cells of four types are usually distinguished."""

from src.models._build import flat

import keras
from keras import layers


def features(image: keras.KerasTensor, *, dropout: float, stride: int, pooling: str) -> keras.KerasTensor:
    """Return (N, 128) features; `dropout` is that of the dense layer (published: 0.5); that of the maps stays 0.25."""
    x = layers.Conv2D(32, 3, strides=stride, activation="relu")(image)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.25)(x)
    x = flat(x, pooling)
    x = layers.Dense(128, activation="relu")(x)
    return layers.Dropout(dropout)(x)
