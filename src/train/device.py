"""TensorFlow on this machine: seeds, op order and threads, so that the same inputs give the same weights; GPUs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import keras
import tensorflow as tf

from src.config import Train
from src.core import random_streams

log = logging.getLogger(__name__)


def start(seed: int, threads: int) -> None:
    """Make what follows depend on the seed alone, and give TensorFlow this many threads.

    Forgets layer names given before, since names are part of a saved model.
    """
    _use(threads)
    cv2.setNumThreads(1)  # one small image is too little to share: more threads warp no faster and burn twice the CPU
    for gpu in tf.config.list_physical_devices("GPU"):
        _grow(gpu)
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(random_streams.derive(seed, "weights"))
    tf.config.experimental.enable_op_determinism()


def _use(threads: int) -> None:
    options = tf.config.threading
    if options.get_intra_op_parallelism_threads() == options.get_inter_op_parallelism_threads() == threads:
        return
    try:
        options.set_intra_op_parallelism_threads(threads)
        options.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        log.warning("TensorFlow already runs in this process: train.threads %d has no effect on it", threads)


def _grow(gpu: tf.config.PhysicalDevice) -> None:
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        log.debug("%s is in use already", gpu.name)


log = logging.getLogger(__name__)


@contextmanager
def devices(section: Train) -> Iterator[None]:
    """Build and train inside the block on what the section asks for, as far as this machine has it.

    Mixed precision is Keras' policy mixed_float16, several cards are TensorFlow's MirroredStrategy: each has a copy
    of the model, and their gradients are added up.
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
    """Return the strategy that shares a batch among devices; one or none needs no strategy."""
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else tf.distribute.get_strategy()
