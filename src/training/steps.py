"""One step of learning and one of judging, compiled once each."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.training.batches import Numbers, Pixels

Judged = tuple[NDArray[np.float32], NDArray[np.float32]]
Step = Callable[[Pixels, Numbers], Judged]


def learning(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Step:
    """Compile the step that changes the weights; it gives losses (B,) and probabilities from before the change."""

    def step(pixels: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            probabilities = model(pixels, training=True)
            losses = _losses(targets, probabilities)
            total = tf.add_n([tf.reduce_mean(losses), *model.losses])
        optimizer.apply(tape.gradient(total, model.trainable_variables), model.trainable_variables)
        return losses, probabilities

    return _compiled(step, model)


def judging(model: keras.Model) -> Step:
    """Compile the step that only looks: losses (B,) and probabilities (B, 1) or (B, K)."""

    def step(pixels: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = model(pixels, training=False)
        return _losses(targets, probabilities), probabilities

    return _compiled(step, model)


def _losses(targets: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    if probabilities.shape[1] == 1:
        return keras.losses.binary_crossentropy(targets[:, None], probabilities)
    return keras.losses.sparse_categorical_crossentropy(targets, probabilities)


def _compiled(step: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]], model: keras.Model) -> Step:
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32), tf.TensorSpec((None,), tf.int64)]
    graph = tf.function(step, input_signature=signature).get_concrete_function()  # traced here, once

    def run(pixels: Pixels, targets: Numbers) -> Judged:
        losses, probabilities = graph(tf.constant(pixels), tf.constant(targets))
        return losses.numpy(), probabilities.numpy()

    return run
