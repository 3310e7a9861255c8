"""EfficientNet-Lite as a Keras network, untrained or pretrained; its architecture is in weights/efficientnet_lite."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from src.models._build import flat
from src.models._load import load_weights
from src.weights import efficientnet_lite as plan
from src.weights import torch_file
from src.weights.efficientnet_lite import EPSILON, KEY, MOST, SCALED, Block, Version
from src.weights.torch_file import Array, Arrays

import keras
from keras import layers

MOMENTUM = 0.9  # of moving averages: from random weights, they lag behind with the published 0.99


def network(version: Version) -> Callable[..., keras.KerasTensor]:
    """Return the `features` of a version."""
    return partial(_features, version=version)


def _features(
    image: keras.KerasTensor,
    *,
    version: Version,
    dropout: float,
    pooling: str,
    weights: str = "none",
    sha256: str | None = None,
) -> keras.KerasTensor:
    """Return (N, 1280) features with pooling average or max, after dropout; strides are those of the architecture.

    A gray image is repeated to three channels. weights: none, imagenet, or the path of a file with this sha256, either
    written by PyTorch, or a model.keras that was trained here.

    Raises:
        AssayError: the weights are not available, or do not fit sha256 or the network.
    """
    colors = layers.Concatenate()([image] * 3) if image.shape[-1] == 1 else image
    scaled = layers.Rescaling(*SCALED)(colors)
    x = _convolved(scaled, "stem", plan.STEM, 3, 2)
    for number, block in enumerate(plan.blocks(version)):
        x = _block(x, f"block{number}", block)
    maps = _convolved(x, "head", plan.HEAD)
    if weights != "none":
        _fill(keras.Model(scaled, maps), version, weights, sha256)
    return layers.Dropout(dropout)(flat(maps, pooling))


def _block(x: keras.KerasTensor, name: str, block: Block) -> keras.KerasTensor:
    entered, width = x, x.shape[-1]
    if block.expansion > 1:
        x = _convolved(x, f"{name}_expand", width * block.expansion)
    x = layers.DepthwiseConv2D(
        block.kernel, strides=block.stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = _normalized(x, f"{name}_depthwise")
    x = _convolved(x, f"{name}_project", block.width, active=False)
    return layers.Add(name=f"{name}_add")([x, entered]) if (block.stride, block.width) == (1, width) else x


def _convolved(
    x: keras.KerasTensor, name: str, width: int, kernel: int = 1, stride: int = 1, *, active: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return _normalized(x, name, active=active)


def _normalized(x: keras.KerasTensor, name: str, *, active: bool = True) -> keras.KerasTensor:
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(MOST, name=f"{name}_relu")(x) if active else x


def _fill(network: keras.Model, version: Version, weights: str, sha256: str | None) -> None:
    def fill(tensors: Arrays) -> None:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights(_of_layer(layer, tensors))

    if weights == "imagenet":
        fill(plan.read_imagenet(version))
        return
    kind = f"EfficientNet-Lite{version.number}"
    load_weights(network, kind, KEY, Path(weights), sha256, lambda path: fill(torch_file.read(path)))


def _of_layer(layer: keras.Layer, tensors: Arrays) -> list[Array]:
    """Pick the weights of a layer by its name, with their axes in Keras' order."""
    *block, part, kind = layer.name.split("_")
    values, statistics = plan.convolution(tensors, part, int(block[0].removeprefix("block")) if block else None)
    if kind == "bn":
        return statistics
    return [values.transpose(2, 3, 0, 1) if part == "depthwise" else values.transpose(2, 3, 1, 0)]
