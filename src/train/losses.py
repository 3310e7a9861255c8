"""The losses, one number for each image."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.config import Train
from src.train.class_balance import BALANCES, Losses

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def build(section: Train, weights: NDArray[np.float32] | None = None) -> Loss:
    """Return a function of class numbers (B,) and probabilities (B, 1) or (B, K) that returns losses (B,).

    weights: of each class (K,); they become the weights of its images.
    """
    shared = {"label_smoothing": section.label_smoothing, "reduction": "none"}
    two, more = (BALANCES[section.balance].losses or _crossentropy)(section, shared)

    def losses(targets: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        weighted = None if weights is None else tf.gather(tf.constant(weights), targets)
        classes = probabilities.shape[1]
        if classes == 1:
            return two(targets[:, None], probabilities, sample_weight=weighted)
        return more(tf.one_hot(targets, classes), probabilities, sample_weight=weighted)

    return losses


def _crossentropy(section: Train, shared: dict[str, Any]) -> Losses:
    return keras.losses.BinaryCrossentropy(**shared), keras.losses.CategoricalCrossentropy(**shared)
