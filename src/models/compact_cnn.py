"""A small stack of convolutions with batch normalization, for few images.

It has 63 thousand weights, most of them after the third pooling.
"""

from src.models._build import flat

import keras
from keras import layers

WIDTHS = (16, 32, 64, 64)
# With Keras' default of 0.99, moving averages lag hundreds of steps behind: at 15 steps per epoch, early scores on val
# would mean nothing.
MOMENTUM = 0.9


def features(image: keras.KerasTensor, *, dropout: float, stride: int, pooling: str) -> keras.KerasTensor:
    """Return (N, 64) features with pooling average or max; each image is first standardized to mean 0 and deviation 1.

    This removes brightness and contrast, which depend on the window that a slice was published in.
    """
    x = layers.LayerNormalization(axis=[1, 2, 3], epsilon=1e-5, center=False, scale=False)(image)
    x = _convolution(x, WIDTHS[0], 5, stride)
    x = _convolution(x, WIDTHS[0], 3)
    for width in WIDTHS[1:]:
        x = layers.MaxPooling2D(2)(x)
        x = _convolution(x, width, 3)
    return layers.Dropout(dropout)(flat(x, pooling))


def _convolution(x: keras.KerasTensor, width: int, side: int, stride: int = 1) -> keras.KerasTensor:
    """Apply convolution, batch normalization (Ioffe and Szegedy 2015, arXiv:1502.03167) and ReLU."""
    x = layers.Conv2D(width, side, stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
