"""The trained network as ONNX, with features and class activation maps as outputs beside the probability.

Only this step of the stage needs TensorFlow; the bundle itself runs with ONNX Runtime.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from src.config.sections import Flips
from src.core.files import replacing
from src.evaluate import cam
from src.evaluate.predict import outputs, with_flips
from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Integers
from src.models._load import without_chatter

import keras

PROBABILITY, FEATURES, CAM = "probability", "features", "cam"  # the outputs of model.onnx
ELEMENTWISE = ("Add", "Sub", "Mul", "Div")
MOST = 4096  # features; instead of a longer vector, as from flattened maps, the average of each map is taken


def with_outputs(network: keras.Model, flips: Flips = "none") -> keras.Model:
    """Return the network with the outputs of model.onnx.

    probability: (N, 1) or (N, K), as the network gives it, or its mean over mirror images. features: (N, F), the input
    of the output layer. cam: class activation maps (N, h, w, 1) or (N, h, w, K), before any values are cut off; left
    out if the network has none, as its output layer gets something other than the averages of one stack of maps.
    """
    network = cam.flattened(network)
    asked = with_flips(network, flips)
    found = {PROBABILITY: asked(network.inputs[0]) if asked is not network else network.outputs[0]}
    found[FEATURES] = _features(network)
    head, pooled = cam.output_layer(network), cam.averaged(cam.features(network))
    if head is not None and pooled and len(pooled) == 1 and pooled == cam.last_maps(network):
        layer = keras.layers.Dense(head.units, use_bias=False, dtype="float32", name=CAM)
        found[CAM] = layer(pooled[0])
        layer.set_weights([head.get_weights()[0]])
    return keras.Model(network.inputs[0], found)


def _features(network: keras.Model) -> keras.KerasTensor:
    features, last = cam.features(network), cam.last_maps(network)
    if features.shape[-1] <= MOST or not last:
        return features
    return keras.ops.concatenate([keras.ops.mean(each, axis=(1, 2)) for each in last], axis=-1)


def features(model: keras.Model, images: Pixels, rows: Integers) -> Floats:
    """Return the features (N, F) of the images at `rows` of a store (M, H, W, C)."""
    return outputs(keras.Model(model.inputs, model.output[FEATURES]), images, rows, "features")


def write(model: keras.Model, path: Path) -> None:
    """Write a network as ONNX with Keras' own export, so that the bytes depend on the network alone."""
    model(np.zeros((1, *model.inputs[0].shape[1:]), np.float32))  # Keras exports only a model that was called
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        raw = Path(folder, path.name)
        with warnings.catch_warnings(action="ignore"), redirect_stderr(io.StringIO()), without_chatter():
            model.export(raw, format="onnx", verbose=False)
        converted = canonical(full_rank(by_rows(onnx.load(raw))))
    onnx.checker.check_model(converted)
    with replacing(path) as temporary:
        temporary.write_bytes(converted.SerializeToString(deterministic=True))


def by_rows(model: onnx.ModelProto) -> onnx.ModelProto:
    """Split averages over several axes in two, in place: first over all axes but the first, then over the first.

    Otherwise ONNX Runtime adds up all values one by one in float32: over 22,500 pixels, a probability was off by 1e-5.
    """
    for node in list(model.graph.node):
        found = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        first, *others = found.get("axes", [None])
        if node.op_type == "ReduceMean" and others and found.get("keepdims", 1):
            rows = f"{node.output[0]}_by_rows"
            model.graph.node.append(onnx.helper.make_node("ReduceMean", node.input, [rows], axes=others))
            node.CopyFrom(onnx.helper.make_node("ReduceMean", [rows], node.output, axes=[first]))
    return model


def full_rank(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give scalar constants in elementwise operations as many axes as the other operand has, in place.

    Otherwise ONNX Runtime computes maps of one channel pixel by pixel: 0.6 instead of 0.01 ms for 150x150 pixels.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in (*graph.input, *graph.value_info)}
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        rank = max((ranks.get(name, 0) for name in node.input), default=0)
        for place, name in enumerate(node.input if node.op_type in ELEMENTWISE else []):
            if name in constants and constants[name].size == 1 and constants[name].ndim < rank:
                node.input[place] = f"{name}_of_{rank}_axes"
                value = onnx.numpy_helper.from_array(constants[name].reshape([1] * rank), node.input[place])
                model.graph.initializer.append(value)
    return model


def canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same network with its nodes in a fixed order and with numbered names.

    The converter takes order and names from counters and sets of its process, which differ from run to run.
    """
    graph = model.graph
    nodes = list(_in_order(graph))
    constants = {tensor.name: tensor for tensor in graph.initializer}
    names = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    kept: list[onnx.TensorProto] = []
    for number, node in enumerate(nodes):
        for name in node.input:
            if name in constants and name not in names:
                names[name] = f"weights_{len(kept)}"
                kept.append(constants[name])
        for place, name in enumerate(node.output):
            names.setdefault(name, f"{node.op_type}_{number}_{place}")
        node.name = f"{node.op_type}_{number}"
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
        node.attribute.sort(key=lambda attribute: attribute.name)
    for tensor in kept:
        tensor.name = names[tensor.name]
    outputs = sorted(graph.output, key=lambda value: value.name)
    for value in (*graph.input, *outputs):
        for place, side in enumerate(value.type.tensor_type.shape.dim):
            if not side.HasField("dim_value"):  # the converter numbers these names as well
                side.dim_param = f"{value.name}_{place}" if place else "N"
    made = onnx.helper.make_graph(nodes, "network", list(graph.input), outputs, kept)
    return onnx.helper.make_model(
        made, opset_imports=list(model.opset_import), ir_version=model.ir_version, producer_name="keras"
    )


def _in_order(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield each node after the nodes that it needs, going back from the outputs, which are sorted by name."""
    makers = {name: node for node in graph.node for name in node.output}
    done: set[str] = set()
    waiting = [(output.name, False) for output in sorted(graph.output, key=lambda value: value.name, reverse=True)]
    while waiting:
        name, ready = waiting.pop()
        if name in done or name not in makers:
            continue
        node = makers[name]
        if ready:
            done.update(node.output)
            yield node
        else:
            waiting.append((name, True))
            waiting += [(source, False) for source in reversed(node.input)]
