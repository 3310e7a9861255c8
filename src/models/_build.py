"""What models share: pixels scaled to [0, 1] at the input, class probabilities at the output, and pieces between."""

from bisect import bisect_left
from types import ModuleType
from typing import Any

import keras

from src.core import registry
from src.core.errors import AssayError

LARGE_SIDE = 512
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
    own: options that only this architecture knows.

    Raises:
        AssayError: no model has this name, there are fewer than two classes, or the images are too small for it.
    """
    architecture = registry.load("models", name)
    if classes < 2:
        raise AssayError(f"{name}: expected at least 2 classes, found {classes}")
    shared = {"dropout": dropout, "stride": stride, "pooling": pooling}
    variation = {option: shared[option] for option in registry.options("models", name)} | own
    try:
        return _assemble(architecture, name, input_shape, classes, variation)
    except ValueError as error:
        needed = _smallest_side(architecture, name, input_shape, classes, variation)
        if needed is None:
            raise
        size = "x".join(str(side) for side in input_shape[:2])
        message = f"preprocess.image_size: expected at least {needed} for {name} with stride {stride}, found {size}"
        raise AssayError(message) from error


def _assemble(
    architecture: ModuleType, name: str, input_shape: Shape, classes: int, variation: dict[str, Any]
) -> keras.Model:
    pixels = keras.Input(input_shape, name="pixels")
    image = keras.layers.Rescaling(1 / 255)(pixels)
    features = architecture.features(image, **variation)
    return keras.Model(pixels, _head(features, classes), name=name)


def _head(features: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    # In float32 even where the rest is float16, whose smallest steps are too coarse for a probability near 0 or 1.
    if classes == 2:
        return keras.layers.Dense(1, activation="sigmoid", name=OUTPUT, dtype="float32")(features)
    return keras.layers.Dense(classes, activation="softmax", name=OUTPUT, dtype="float32")(features)


def _smallest_side(
    architecture: ModuleType, name: str, input_shape: Shape, classes: int, variation: dict[str, Any]
) -> int | None:
    """Find the smallest square image that the model takes, or None if size is not what it fails on.

    Pooled, since that needs the same sizes, and flattened maps of a large image would need gigabytes of weights.
    """
    variation = {**variation, "pooling": "average"}

    def fits(side: int) -> bool:
        try:
            _assemble(architecture, name, (side, side, input_shape[2]), classes, variation)
        except ValueError:
            return False
        return True

    if not fits(LARGE_SIDE):
        return None
    return bisect_left(range(LARGE_SIDE), True, lo=min(input_shape[:2]) + 1, key=fits)


def flat(maps: keras.KerasTensor, pooling: str) -> keras.KerasTensor:
    """Turn feature maps (N, H, W, F) into vectors: every value of every map, or the average or maximum of each."""
    layers = {
        "none": keras.layers.Flatten,
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
    }
    return layers[pooling]()(maps)
