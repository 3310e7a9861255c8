"""One inception block (Szegedy et al. 2015, arXiv:1409.4842) with one filter per branch, directly on the image."""

from src.models._build import flat

import keras
from keras import layers

OPTIONS = ("stride", "pooling")  # there is no dropout


def features(image: keras.KerasTensor, *, stride: int, pooling: str) -> keras.KerasTensor:
    """Return the features of the four branches, concatenated."""
    wide = _convolution(7, stride)(image)
    medium = _convolution(3)(_point(image, stride))
    large = _convolution(5)(_point(image, stride))
    pooled = _convolution(1)(layers.MaxPooling2D(4, strides=stride, padding="same")(image))
    return layers.Concatenate()([flat(branch, pooling) for branch in (wide, medium, large, pooled)])


def _point(image: keras.KerasTensor, stride: int) -> keras.KerasTensor:
    """Apply a 1x1 convolution to every `stride`-th pixel of each axis.

    The pixels are picked beforehand, not by the strides of the convolution: the numbers are the same, but TensorFlow
    2.21 crashes on a CPU with a segmentation fault in the gradient of a 1x1 convolution with a larger stride.
    """
    picked = layers.MaxPooling2D(1, strides=stride)(image) if stride > 1 else image
    return _convolution(1)(picked)


def _convolution(side: int, stride: int = 1) -> layers.Layer:
    return layers.Conv2D(1, side, strides=stride, padding="same", activation="relu")
