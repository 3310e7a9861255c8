"""Build EfficientNet-Lite0 with its ImageNet weights for ONNX Runtime, without TensorFlow; compute its features."""

from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from src.core.progress import track
from src.images.pixels import Pixels
from src.images.worker_threads import cores, ordered
from src.weights import efficientnet_lite as plan
from src.weights.efficientnet_lite import LITE0, Version
from src.weights.torch_file import Arrays

SIDE = 224  # pixels, as when the network was trained
BATCH = 16
NAME = "efficientnet_lite0"
OPSET, IR = 17, 9
WHITE = 255
INPUT, OUTPUT = "image", "features"


class _Graph:
    """The nodes and weights added so far; each method returns the name of its output tensor."""

    def __init__(self, tensors: Arrays) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.constants = [numpy_helper.from_array(np.float32(value), name) for name, value in LIMITS.items()]

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = OUTPUT if kind == "Flatten" else f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolved(self, x: str, part: str, block: int | None = None, *, stride: int = 1, groups: int = 1) -> str:
        """Add a convolution with folded batch normalization, followed by a clip (ReLU6) except after the projection."""
        weights, (gamma, beta, mean, variance) = plan.convolution(self.tensors, part, block)
        factor = gamma / np.sqrt(variance + plan.EPSILON)
        folded = weights * factor[:, None, None, None], beta - mean * factor
        names = [f"{part}_{block}_{what}" for what in ("weights", "bias")]
        self.constants += [
            numpy_helper.from_array(np.float32(values), name) for values, name in zip(folded, names, strict=True)
        ]
        sides: dict[str, Any] = {"kernel_shape": list(weights.shape[2:]), "strides": [stride, stride]}
        x = self.add("Conv", x, *names, auto_pad="SAME_UPPER", group=groups, **sides)
        return x if part == "project" else self.add("Clip", x, *LIMITS)


LIMITS = {"least": 0.0, "most": plan.MOST}


def build(version: Version = LITE0) -> bytes:
    """Return the network as ONNX: from images (N, 3, H, W), scaled as in its training, to features (N, 1280).

    Raises:
        AssayError: the weights are not installed.
    """
    graph = _Graph(plan.read_imagenet(version))
    x, width = graph.convolved(INPUT, "stem", stride=2), plan.STEM
    for number, block in enumerate(plan.blocks(version)):
        entered, wide = x, width * block.expansion
        if block.expansion > 1:
            x = graph.convolved(x, "expand", number)
        x = graph.convolved(x, "depthwise", number, stride=block.stride, groups=wide)
        x = graph.convolved(x, "project", number)
        if (block.stride, block.width) == (1, width):
            x = graph.add("Add", x, entered)
        width = block.width
    graph.add("Flatten", graph.add("GlobalAveragePool", graph.convolved(x, "head")))
    ends = [
        helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", 3, "H", "W"]),
        helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", plan.HEAD]),
    ]
    made = helper.make_graph(graph.nodes, "features", ends[:1], ends[1:], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    return bytes(model.SerializeToString())


def features(images: Pixels, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the features (M, 1280) of the images at `rows` of a store (N, H, W, C), resized to 224 x 224.

    The session uses one thread, so the result does not depend on the number of cores; batches run in parallel.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(build(), options, providers=["CPUExecutionProvider"])

    def run(some: NDArray[np.int64]) -> NDArray[np.float32]:
        batch = np.stack([_resized(images[row]) for row in some])
        return np.asarray(session.run(None, {INPUT: batch})[0], dtype=np.float32)

    starts = range(0, len(rows), BATCH)
    batches = (rows[start : start + BATCH] for start in starts)
    return np.concatenate(
        list(track(ordered(run, batches, cores()), len(starts), "reading features for the probe", "step"))
    )


def _resized(image: Pixels) -> NDArray[np.float32]:
    """Return an image (H, W, C) as the network expects it: (3, 224, 224), scaled, gray repeated three times."""
    interpolation = cv2.INTER_AREA if min(image.shape[:2]) > SIDE else cv2.INTER_LINEAR
    shown = cv2.resize(image, (SIDE, SIDE), interpolation=interpolation).reshape(SIDE, SIDE, -1)
    scale, offset = plan.SCALED
    scaled = shown.transpose(2, 0, 1).astype(np.float32) * np.float32(scale / WHITE) + np.float32(offset)
    return np.broadcast_to(scaled, (3, SIDE, SIDE))
