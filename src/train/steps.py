"""The training step and the evaluation step, each compiled once, and the GPUs that they run on."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from src.config import Train
from src.train.class_balance import Loss
from src.train.data import Numbers, Pixels

import keras
import tensorflow as tf

log = logging.getLogger(__name__)
StepResult = tuple[NDArray[np.float32], NDArray[np.float32]]
Step = Callable[[Pixels, Numbers], StepResult]
Tensors = tuple[tf.Tensor, tf.Tensor]


@contextmanager
def devices(section: Train) -> Iterator[None]:
    """Use the GPUs and the precision of the section in the block, as far as this machine supports them.

    Mixed precision uses the Keras policy mixed_float16. Several GPUs use TensorFlow's MirroredStrategy: each has a copy
    of the model, and their gradients are summed.
    """
    cards = [device.name for device in tf.config.list_logical_devices("GPU")]
    if section.gpus > max(len(cards), 1):
        log.warning("train.gpus: expected %d, found %d", section.gpus, len(cards))
    if section.mixed_precision and not cards:
        log.warning("train.mixed_precision: no GPU found, which it is for; training goes on in float32")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if section.mixed_precision and cards else "float32")
    try:
        with mirrored(cards[: section.gpus]).scope():
            yield
    finally:
        keras.config.set_dtype_policy(before)


def mirrored(names: list[str]) -> tf.distribute.Strategy:
    """Return a strategy that divides a batch among devices; for one device or none, the default strategy."""
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else tf.distribute.get_strategy()


def learning(model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Loss) -> Step:
    """Compile the training step; it returns the losses (B,) and probabilities from before the update of the weights.

    If compiled in the scope of a strategy with several devices, it divides each batch among them.
    """

    def learn(pixels: tf.Tensor, targets: tf.Tensor, mean: Callable[[tf.Tensor], tf.Tensor]) -> Tensors:
        with tf.GradientTape() as tape:
            probabilities = model(pixels, training=True)
            losses = loss(targets, probabilities)
            total = optimizer.scale_loss(tf.add_n([mean(losses), *model.losses]))
        optimizer.apply(tape.gradient(total, model.trainable_variables), model.trainable_variables)
        return losses, probabilities

    def step(pixels: tf.Tensor, targets: tf.Tensor) -> Tensors:
        return learn(pixels, targets, tf.reduce_mean)

    strategy = tf.distribute.get_strategy()
    return _compiled(step if strategy.num_replicas_in_sync == 1 else _shared(learn, strategy), model)


def evaluating(model: keras.Model, loss: Loss) -> Step:
    """Compile the evaluation step; it returns losses (B,) and probabilities (B, 1) or (B, K) and changes no weights."""

    def step(pixels: tf.Tensor, targets: tf.Tensor) -> Tensors:
        probabilities = model(pixels, training=False)
        return loss(targets, probabilities), probabilities

    return _compiled(step, model)


def _shared(learn: Callable[..., Tensors], strategy: tf.distribute.Strategy) -> Callable[..., Tensors]:
    """Distribute the images of a batch over the devices in turn. If they do not divide evenly, some devices repeat the
    first images with weight 0: batch normalization on a device without images would have no statistics."""
    devices = strategy.num_replicas_in_sync

    def step(pixels: tf.Tensor, targets: tf.Tensor) -> Tensors:
        images = tf.shape(targets)[0]
        each = -(-images // devices)

        def on_one() -> Tensors:
            places = tf.range(each) * devices + tf.distribute.get_replica_context().replica_id_in_sync_group
            counted = tf.cast(places < images, tf.float32) / tf.cast(images, tf.float32)
            rows = places % images
            # The strategy sums the gradients of the devices, so each device returns its share of the mean.
            return learn(
                tf.gather(pixels, rows), tf.gather(targets, rows), lambda losses: tf.reduce_sum(losses * counted)
            )

        parts = [strategy.experimental_local_results(result) for result in strategy.run(on_one)]
        losses, probabilities = (tf.stack(part, axis=1) for part in parts)
        flat = tf.reshape(losses, (-1,)), tf.reshape(probabilities, (-1, probabilities.shape[-1]))
        return flat[0][:images], flat[1][:images]

    return step


def _compiled(step: Callable[[tf.Tensor, tf.Tensor], Tensors], model: keras.Model) -> Step:
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32), tf.TensorSpec((None,), tf.int64)]
    function = tf.function(step, input_signature=signature, autograph=False)  # no Python control flow to convert
    graph = function.get_concrete_function()  # traced here, once

    def run(pixels: Pixels, targets: Numbers) -> StepResult:
        losses, probabilities = graph(tf.constant(pixels), tf.constant(targets))
        return losses.numpy(), probabilities.numpy()

    return run
