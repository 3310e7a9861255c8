"""One inception block (Szegedy et al. 2015, arXiv:1409.4842) of one filter a branch, straight on the image."""

import keras
from keras import layers

from src.models._parts import flat


def features(image: keras.KerasTensor, *, dropout: float, stride: int, pooling: str) -> keras.KerasTensor:
    """Give the four branches' feature maps side by side; the block has no dropout, so that value changes nothing."""
    wide = _convolution(7, stride)(image)
    medium = _convolution(3)(_convolution(1, stride)(image))
    large = _convolution(5)(_convolution(1, stride)(image))
    pooled = _convolution(1)(layers.MaxPooling2D(4, strides=stride, padding="same")(image))
    return layers.Concatenate()([flat(branch, pooling) for branch in (wide, medium, large, pooled)])


def _convolution(side: int, stride: int = 1) -> layers.Layer:
    return layers.Conv2D(1, side, strides=stride, padding="same", activation="relu")
