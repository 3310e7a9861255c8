"""TensorFlow set so that the same inputs give the same weights: seeds, op order, threads."""

import logging

import cv2
import keras
import tensorflow as tf

from src import seeds

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
    keras.utils.set_random_seed(seeds.derive(seed, "weights"))
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
