"""Optimizers by their name in params.yaml."""

from collections.abc import Callable
from dataclasses import dataclass

from src.config import Train

import keras


@dataclass(frozen=True)
class Optimizer:
    """A class of Keras, the learning rate that suits it, and which options of the section it alone reads."""

    make: Callable[..., keras.optimizers.Optimizer]
    rate: float
    options: tuple[str, ...] = ()


# Keras gives 0.001 to all but SGD. The rate of Adadelta is the one of its paper (Zeiler 2012, arXiv:1212.5701), which
# has no rate at all; Adagrad divides by all gradients that ever were and so needs a larger one.
OPTIMIZERS = {
    "adadelta": Optimizer(keras.optimizers.Adadelta, 1.0),
    "adagrad": Optimizer(keras.optimizers.Adagrad, 0.01),
    "adam": Optimizer(keras.optimizers.Adam, 0.001),
    "adamw": Optimizer(keras.optimizers.AdamW, 0.001, options=("weight_decay",)),
    "rmsprop": Optimizer(keras.optimizers.RMSprop, 0.001),
    "sgd": Optimizer(keras.optimizers.SGD, 0.01, options=("momentum",)),
}


def rate(section: Train) -> float:
    """Return the learning rate asked for, or one that suits the optimizer."""
    return OPTIMIZERS[section.optimizer].rate if section.learning_rate is None else section.learning_rate


def build(section: Train) -> keras.optimizers.Optimizer:
    """Make the optimizer with Keras' own settings besides those in the section."""
    chosen = OPTIMIZERS[section.optimizer]
    own = {name: getattr(section, name) for name in chosen.options}
    return chosen.make(learning_rate=rate(section), global_clipnorm=section.clip_norm, **own)
