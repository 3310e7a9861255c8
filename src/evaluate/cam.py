"""Class activation maps (CAM, Grad-CAM, HiResCAM): weighted sums of the last feature maps of a network."""

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
    """Choose cases and compute their maps; images: the packed store (M, H, W, C)."""
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
    """Compute class activation maps (N, h, w) of images (N, H, W, C), each for one class (N,).

    Zhou et al. 2016, arXiv:1512.04150: each feature map is multiplied by the weight that the output layer gives to its
    average. Return None unless the inputs of the output layer are exactly the averages of the last feature maps.
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
    """Compute Grad-CAM maps (N, h, w), at least 0, of images (N, H, W, C), each for one class (N,).

    Selvaraju et al. 2017, arXiv:1610.02391: each feature map is multiplied by the mean gradient of the class's logit
    over that map. The gradient of the probability is not used, since it vanishes near 0 and 1. Return None for a
    network without a dense output layer or without feature maps.
    """
    heat = _by_slopes(lambda maps, slopes: _by_map(maps, tf.reduce_mean(slopes, axis=(1, 2))), network, images, classes)
    return None if heat is None else np.maximum(heat, 0)


def hires_cam(network: keras.Model, images: Pixels, classes: Integers) -> Floats | None:
    """Compute HiResCAM maps (N, h, w) of images (N, H, W, C), each for one class (N,).

    Draelos and Carin 2020, arXiv:2011.08891: each value of each feature map is multiplied by the gradient of the
    class's logit at that value, and the maps are summed over the channels. After Flatten and Dense the result adds up
    to the logit without its bias. Return None when grad_cam does.
    """
    return _by_slopes(lambda maps, slopes: tf.reduce_sum(maps * slopes, axis=-1), network, images, classes)


def _by_slopes(weighted: Step, network: keras.Model, images: Pixels, classes: Integers) -> Floats | None:
    """Weight the last feature maps (N, h, w, C) of each branch by the gradients (N, h, w, C) of the logit."""
    network = flattened(network)
    head, last = output_layer(network), last_maps(network)
    if head is None or not last:
        return None
    probe = keras.Model(network.inputs, [*last, features(network)])

    def step(batch: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(batch)
            *maps, vector = probe(batch, training=False)
            logits = tf.cast(vector, head.kernel.dtype) @ _by_class(head.kernel)  # the gradient needs no bias
            logit = tf.gather(logits, wanted, batch_dims=1)
        slopes = tape.gradient(logit, maps, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        pairs = [(tf.cast(x, tf.float32), tf.cast(slope, tf.float32)) for x, slope in zip(maps, slopes, strict=True)]
        return _add_up([weighted(*pair) for pair in pairs])

    return _in_batches(step, network, images, classes)


def _by_class(kernel: keras.Variable) -> tf.Tensor:
    """Return the weights (F, K) of each class; with a single output, the first class gets the negated weights."""
    weights = tf.convert_to_tensor(kernel)
    return tf.concat([-weights, weights], axis=1) if weights.shape[1] == 1 else weights


def _by_map(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return the sum (N, h, w) of maps (N, h, w, C) times their weights (N, C)."""
    return tf.einsum("nhwc,nc->nhw", tf.cast(maps, tf.float32), tf.cast(weights, tf.float32))


def _add_up(sums: Sequence[tf.Tensor]) -> tf.Tensor:
    """Add up the maps (N, h, w) of the branches, resized to the largest height and width."""
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
    """Return the same network with the same layers, but with nested models replaced by their layers."""
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
    """Return the input of the output layer (N, F); of an ensemble, the inputs of all members' output layers joined."""
    layer, inputs = _origin(network.outputs[0])
    if not isinstance(layer, keras.layers.Average):
        return inputs[0]
    return keras.layers.Concatenate()([_origin(probability)[1][0] for probability in inputs])


def last_maps(network: keras.Model) -> list[keras.KerasTensor]:
    """Return the last feature maps (N, H, W, C) larger than 1 x 1: one tensor, or one for each branch.

    Searches back from the output and stops at the first such tensor on each path. Side paths further back, such as
    the pooled maps that squeeze-and-excitation computes its weights from, are not reached.
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
    """Return the maps (N, H, W, C) if a tensor (N, F) is the concatenation of their averages, or None."""
    layer, inputs = _origin(tensor)
    if isinstance(layer, keras.layers.Dropout):  # has no effect after the training
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
    """Return the operation that made a tensor, and the inputs of that operation."""
    operation, node, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node].input_tensors)
