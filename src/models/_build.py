"""What models share: scaling of pixels to [0, 1], the output layer of class probabilities, and common layers."""

from typing import Any

from src.core import registry
from src.core.errors import AssayError

import keras

OUTPUT = "probability"
Shape = tuple[int, int, int]


def build(
    name: str,
    input_shape: Shape,
    classes: int,
    *,
    dropout: float = 0.5,
    stride: int = 1,
    pooling: str = "none",
    **own: Any,
) -> keras.Model:
    """Build an untrained model from pixels 0..255, shape (N, H, W, C), to class probabilities.

    With two classes the output is (N, 1), the probability of the last class; with more it is (N, classes).
    own: options that only this architecture has.

    Raises:
        AssayError: no model has this name, there are fewer than two classes, or the images are too small for it.
    """
    architecture = registry.load("models", name)
    if classes < 2:
        raise AssayError(f"{name}: expected at least 2 classes, found {classes}")
    shared = {"dropout": dropout, "stride": stride, "pooling": pooling}
    variation = {option: shared[option] for option in registry.options("models", name)} | own
    pixels = keras.Input(input_shape, name="pixels")
    image = keras.layers.Rescaling(1 / 255)(pixels)
    try:
        features = architecture.features(image, **variation)
    except ValueError as error:
        if "output size would be" not in str(error):  # zero or negative: Keras' error for maps that become too small
            raise
        size = "x".join(str(side) for side in input_shape[:2])
        expected = f"expected larger images for {name} with stride {stride}"
        raise AssayError(f"preprocess.image_size: {expected}, found {size}; or choose a smaller stride") from error
    return keras.Model(pixels, _head(features, classes), name=name)


def _head(features: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    # In float32 even if the rest is float16, which is too coarse for a probability near 0 or 1.
    if classes == 2:
        return keras.layers.Dense(1, activation="sigmoid", name=OUTPUT, dtype="float32")(features)
    return keras.layers.Dense(classes, activation="softmax", name=OUTPUT, dtype="float32")(features)


def flat(maps: keras.KerasTensor, pooling: str) -> keras.KerasTensor:
    """Turn feature maps (N, H, W, F) into vectors: every value of every map, or the average or maximum of each."""
    layers = {
        "none": keras.layers.Flatten,
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
    }
    return layers[pooling]()(maps)
