"""Class activation maps (CAM, Grad-CAM, HiResCAM): the last feature maps of a network, added up by some weight each."""

from collections.abc import Callable, Sequence

import numpy as np

from src.evaluate.cam_overlay import Cams, choose
from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Integers, Scored
from src.models import _load  # noqa: F401  before TensorFlow

import keras
import tensorflow as tf

BATCH = 16  # images
Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def explain(network: keras.Model, scored: Scored, decisions: Integers, images: Pixels) -> Cams:
    """Choose cases and make their maps; images: the packed store (M, H, W, C)."""
    cases = choose(scored, decisions)
    if not cases:
        return Cams()
    pixels = images[[scored.rows[case.place] for case in cases]]
    predicted = np.array([case.predicted for case in cases], dtype=np.int64)
    made = {"cam": cam(network, pixels, predicted)}
    if made["cam"] is None:
        made |= {make.__name__: make(network, pixels, predicted) for make in (grad_cam, hires_cam)}
    return Cams(cases, pixels, {kind: heat for kind, heat in made.items() if heat is not None})


def cam(network: keras.Model, images: Pixels, classes: Integers) -> Floats | None:
    """Make class activation maps (N, h, w) of images (N, H, W, C), each for one class (N,).

    Zhou et al. 2016, arXiv:1512.04150: the feature maps weighted as the output layer weights their averages. None
    for a network whose output layer gets anything but averages of the last feature maps.
    """
    network = flattened(network)
    head, last = output_layer(network), last_maps(network)
    pooled = averaged(features(network))
    if head is None or not pooled or {id(maps) for maps in pooled} != {id(maps) for maps in last}:
        return None
    probe = keras.Model(network.inputs, pooled)
    widths = [maps.shape[-1] for maps in pooled]

    def step(batch: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        weights = tf.split(tf.gather(tf.transpose(_by_class(head.kernel)), wanted), widths, axis=1)
        maps = tf.nest.flatten(probe(batch, training=False))
        return _add_up([_by_map(*pair) for pair in zip(maps, weights, strict=True)])

    return _in_batches(step, network, images, classes)


def grad_cam(network: keras.Model, images: Pixels, classes: Integers) -> Floats | None:
    """Make Grad-CAM maps (N, h, w), at least 0, of images (N, H, W, C), each for one class (N,).

    Selvaraju et al. 2017, arXiv:1610.02391: the feature maps weighted by the mean slope of the class's logit over
    each. Not of its probability, whose slope vanishes near 0 and 1. None for a network without a dense output layer
    or without feature maps.
    """
    heat = _by_slopes(lambda maps, slopes: _by_map(maps, tf.reduce_mean(slopes, axis=(1, 2))), network, images, classes)
    return None if heat is None else np.maximum(heat, 0)


def hires_cam(network: keras.Model, images: Pixels, classes: Integers) -> Floats | None:
    """Make HiResCAM maps (N, h, w) of images (N, H, W, C), each for one class (N,).

    Draelos and Carin 2020, arXiv:2011.08891: each place of each feature map weighted by the slope of the class's logit
    there, so that a layer after them which has a weight of its own for every place keeps it; what such a layer makes
    of the maps, each map adds up to. None where Grad-CAM is.
    """
    return _by_slopes(lambda maps, slopes: tf.reduce_sum(maps * slopes, axis=-1), network, images, classes)


def _by_slopes(weighted: Step, network: keras.Model, images: Pixels, classes: Integers) -> Floats | None:
    """Weight the last feature maps (N, h, w, C) of each branch by the slopes (N, h, w, C) of the logit over them."""
    network = flattened(network)
    head, last = output_layer(network), last_maps(network)
    if head is None or not last:
        return None
    probe = keras.Model(network.inputs, [*last, features(network)])

    def step(batch: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(batch)
            *maps, vector = probe(batch, training=False)
            logits = tf.cast(vector, head.kernel.dtype) @ _by_class(head.kernel)  # the bias has no slope
            logit = tf.gather(logits, wanted, batch_dims=1)
        slopes = tape.gradient(logit, maps, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        pairs = [(tf.cast(x, tf.float32), tf.cast(slope, tf.float32)) for x, slope in zip(maps, slopes, strict=True)]
        return _add_up([weighted(*pair) for pair in pairs])

    return _in_batches(step, network, images, classes)


def _by_class(kernel: keras.Variable) -> tf.Tensor:
    """Return the weights (F, K) of each class; what speaks for the last of two speaks against the first."""
    weights = tf.convert_to_tensor(kernel)
    return tf.concat([-weights, weights], axis=1) if weights.shape[1] == 1 else weights


def _by_map(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Add maps (N, h, w, C) up by their weights (N, C)."""
    return tf.einsum("nhwc,nc->nhw", tf.cast(maps, tf.float32), tf.cast(weights, tf.float32))


def _add_up(sums: Sequence[tf.Tensor]) -> tf.Tensor:
    """Add up the maps (N, h, w) of the branches, with the sides of the largest one."""
    sides = tf.reduce_max([tf.shape(total)[1:] for total in sums], axis=0)
    return tf.add_n([tf.image.resize(total[..., None], sides)[..., 0] for total in sums])


def _in_batches(step: Step, network: keras.Model, images: Pixels, classes: Integers) -> Floats:
    pixels, numbers = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32), tf.TensorSpec((None,), tf.int32)
    compiled = tf.function(step, input_signature=[pixels, numbers], autograph=False)
    starts = range(0, len(images), BATCH)
    batches = [(images[start : start + BATCH], classes[start : start + BATCH]) for start in starts]
    parts = [compiled(tf.constant(batch, tf.float32), tf.constant(some, tf.int32)) for batch, some in batches]
    return np.concatenate([part.numpy() for part in parts], dtype=np.float64)


def flattened(network: keras.Model) -> keras.Model:
    """Return the same network, with the same layers, in which no layer is a network of its own."""
    if not any(isinstance(layer, keras.Model) for layer in network.layers):
        return network

    def call(layer: keras.layers.Layer, *args: object, **options: object) -> object:
        return layer.call(*args, **options) if isinstance(layer, keras.Model) else layer(*args, **options)

    inlined = keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)
    return flattened(inlined)


def output_layer(network: keras.Model) -> keras.layers.Dense | None:
    """Return the output layer if it is a dense one, whose logits can be computed without its activation."""
    layer, _ = _origin(network.outputs[0])
    return layer if isinstance(layer, keras.layers.Dense) else None


def features(network: keras.Model) -> keras.KerasTensor:
    """Return what the output layer gets, (N, F); of an ensemble what those of all members get, side by side."""
    layer, inputs = _origin(network.outputs[0])
    if not isinstance(layer, keras.layers.Average):
        return inputs[0]
    return keras.layers.Concatenate()([_origin(probability)[1][0] for probability in inputs])


def last_maps(network: keras.Model) -> list[keras.KerasTensor]:
    """Return the last feature maps (N, H, W, C) with more than one place: one, or one for each branch.

    Going back from the output, the first such tensor on each way; what stands beside the way, as the pooled maps
    by which squeeze-and-excitation weights the others, is not met.
    """
    waiting, visited, found = [network.outputs[0]], set(), []
    while waiting:
        tensor = waiting.pop(0)
        if id(tensor) in visited:
            continue
        visited.add(id(tensor))
        if _has_places(tensor):
            found.append(tensor)
        else:
            waiting += _origin(tensor)[1]
    return found


def averaged(tensor: keras.KerasTensor) -> list[keras.KerasTensor] | None:
    """Return the maps (N, H, W, C) whose averages, side by side, a tensor (N, F) consists of, or None."""
    layer, inputs = _origin(tensor)
    if isinstance(layer, keras.layers.Dropout):  # passes all on once the training is over
        return averaged(inputs[0])
    if isinstance(layer, keras.layers.GlobalAveragePooling2D):
        return inputs
    if not isinstance(layer, keras.layers.Concatenate):
        return None
    branches = [averaged(entry) for entry in inputs]
    return None if None in branches else [maps for branch in branches for maps in branch or ()]


def _has_places(tensor: keras.KerasTensor) -> bool:
    return len(tensor.shape) == 4 and any(side is None or side > 1 for side in tensor.shape[1:3])


def _origin(tensor: keras.KerasTensor) -> tuple[keras.Operation, list[keras.KerasTensor]]:
    """Return the operation that made a tensor, and what it was made from."""
    operation, node, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node].input_tensors)
