"""The losses, one number for each image."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from src.config import Train

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def build(section: Train, weights: NDArray[np.float32] | None = None) -> Loss:
    """Return a function of class numbers (B,) and probabilities (B, 1) or (B, K) that returns losses (B,).

    weights: of each class (K,); they become the weights of its images. The focal loss (Lin et al. 2017,
    arXiv:1708.02002) multiplies the crossentropy by (1 - p)^gamma, p being the probability of the true class, and
    with two classes by alpha for the second one and 1 - alpha for the first, with more by alpha for all.
    """
    smoothing = {"label_smoothing": section.label_smoothing, "reduction": "none"}
    if section.balance == "focal":
        focal = {"gamma": section.focal.gamma, "alpha": section.focal.alpha}
        two = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, **focal, **smoothing)
        more = keras.losses.CategoricalFocalCrossentropy(**focal, **smoothing)
    else:
        two = keras.losses.BinaryCrossentropy(**smoothing)
        more = keras.losses.CategoricalCrossentropy(**smoothing)

    def losses(targets: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        weighted = None if weights is None else tf.gather(tf.constant(weights), targets)
        classes = probabilities.shape[1]
        if classes == 1:
            return two(targets[:, None], probabilities, sample_weight=weighted)
        return more(tf.one_hot(targets, classes), probabilities, sample_weight=weighted)

    return losses
