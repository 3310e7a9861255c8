"""Separable convolutions (Chollet 2017, arXiv:1610.02357), then dense blocks, for X-rays of the chest."""

from src.models._build import flat

import keras
from keras import layers

# As in compact_cnn: the learned weights do not depend on it, but with Keras' default of 0.99, val stays at chance level
# for the first 500 steps, while train reaches 0.99 after 200 (four easy classes, batches of 16).
MOMENTUM = 0.9
# Width of each block, and the dropout after it.
CONVOLVED = ((32, 0.0), (64, 0.0), (128, 0.2), (256, 0.2))
# Width of each block, and its dropout as a share of that of the first one: published 0.7, 0.5 and 0.3.
DENSE = ((512, 1.0), (128, 5 / 7), (64, 3 / 7))


def features(
    image: keras.KerasTensor, *, dropout: float, stride: int, pooling: str, batch_norm: bool = True
) -> keras.KerasTensor:
    """Return (N, 64) features; `dropout` applies to the first dense block (published: 0.7); the others scale with it.

    batch_norm: whether batch normalization follows each block, as published.
    """
    x = layers.Conv2D(16, 3, strides=stride, padding="same", activation="relu")(image)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    for width, rate in CONVOLVED:
        x = _convolved(x, width, batch_norm)
        x = layers.Dropout(rate)(x) if rate else x
    x = flat(x, pooling)
    for width, share in DENSE:
        x = layers.Dense(width, activation="relu")(x)
        x = layers.BatchNormalization(momentum=MOMENTUM)(x) if batch_norm else x
        x = layers.Dropout(round(dropout * share, 6))(x)
    return x


def _convolved(x: keras.KerasTensor, width: int, batch_norm: bool) -> keras.KerasTensor:
    for _ in range(2):
        x = layers.SeparableConv2D(width, 3, padding="same", activation="relu")(x)
    return layers.MaxPooling2D(2)(layers.BatchNormalization(momentum=MOMENTUM)(x) if batch_norm else x)
