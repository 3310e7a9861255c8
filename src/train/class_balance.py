"""The loss, and how class imbalance is handled: by class weights, by resampling, or by another loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.config import Train
from src.core import random_streams

import keras
import tensorflow as tf

Numbers = NDArray[np.int64]
Losses = tuple[keras.losses.Loss, keras.losses.Loss]  # for two classes, and for more
Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclass(frozen=True)
class Balance:
    """One value of train.balance.

    images: function of the class counts that returns the images per class and epoch; None: use all images.
    weighted: whether the loss of an image is multiplied by the weight of its class.
    losses: function that makes the losses from the section and Keras' keywords for all losses; None: crossentropy.
    options: options of the section that only this balance reads.
    """

    images: Callable[[Numbers], np.int64] | None = None
    weighted: bool = False
    losses: Callable[[Train, dict[str, Any]], Losses] | None = None
    options: tuple[str, ...] = ()


def _focal(section: Train, shared: dict[str, Any]) -> Losses:
    """Return the focal loss (Lin et al. 2017, arXiv:1708.02002): crossentropy times alpha and (1 - p)^gamma.

    p is the probability of the true class. With two classes alpha belongs to the second, 1 - alpha to the first.
    """
    focal = {"gamma": section.focal.gamma, "alpha": section.focal.alpha}
    two = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, **focal, **shared)
    return two, keras.losses.CategoricalFocalCrossentropy(**focal, **shared)


BALANCES = {
    "none": Balance(),
    "weights": Balance(weighted=True),
    "focal": Balance(losses=_focal, options=("focal",)),
    "oversample": Balance(images=np.max),
    "undersample": Balance(images=np.min),
}


def loss(section: Train, weights: NDArray[np.float32] | None = None) -> Loss:
    """Return a function of class numbers (B,) and probabilities (B, 1) or (B, K) that returns losses (B,).

    weights: class weights (K,); the loss of an image is multiplied by the weight of its class.
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


def class_weights(targets: Numbers, classes: int) -> NDArray[np.float32]:
    """Return n / (k n_c) for each class c (K,): all classes have the same total weight, the mean over images is 1.

    >>> class_weights(np.array([0, 0, 0, 1]), 2)
    array([0.6666667, 2.       ], dtype=float32)
    """
    counts = np.bincount(targets, minlength=classes)
    return (len(targets) / (classes * counts)).astype(np.float32)


def size(targets: Numbers, how: str) -> int:
    """Return the number of images in an epoch."""
    counts = np.bincount(targets)
    counts = counts[counts > 0]
    images = BALANCES[how].images
    return int(images(counts)) * len(counts) if images else len(targets)


def chosen(targets: Numbers, how: str, seed: int, epoch: int) -> Numbers:
    """Return the positions in a part (M,) of the images of an epoch; they depend only on seed and epoch.

    oversample: draw as many images of each class as the largest class has; within a class, every image occurs, and the
    counts differ by at most one. undersample: draw as many as the smallest class has, different ones in each epoch.
    """
    if (images := BALANCES[how].images) is None:
        return np.arange(len(targets))
    random = random_streams.stream(seed, "balance", epoch)
    counts = np.bincount(targets)
    wanted = int(images(counts[counts > 0]))
    places = [np.flatnonzero(targets == number) for number in np.flatnonzero(counts)]
    return np.concatenate([_drawn(members, wanted, random) for members in places])


def copies(rows: Numbers) -> Numbers:
    """Number the occurrences of each row, from 0, in order.

    >>> copies(np.array([7, 3, 7, 7, 3]))
    array([0, 0, 1, 2, 1])
    """
    order = np.argsort(rows, kind="stable")
    first = np.searchsorted(rows[order], rows[order], side="left")
    numbers = np.empty_like(rows)
    numbers[order] = np.arange(len(rows)) - first
    return numbers


def _drawn(members: Numbers, wanted: int, random: np.random.Generator) -> Numbers:
    whole, rest = divmod(wanted, len(members))
    return np.concatenate([np.repeat(members, whole), random.permutation(members)[:rest]])
