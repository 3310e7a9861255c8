"""Graphics cards: mixed precision, and a batch shared among several."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from src.config import Train

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
