"""Optimizers by their name in params.yaml."""

from typing import Any

import keras

from src.params import Train

OPTIMIZERS = {
    "adadelta": keras.optimizers.Adadelta,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
# Keras gives 0.001 to all but SGD. That of Adadelta is the one of its paper (Zeiler 2012, arXiv:1212.5701), which has
# no rate at all; Adagrad divides by all gradients that ever were and so needs a larger one.
RATES = {"adadelta": 1.0, "adagrad": 0.01, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "sgd": 0.01}


def rate(section: Train) -> float:
    """Give the learning rate asked for, or one that suits the optimizer."""
    return RATES[section.optimizer] if section.learning_rate is None else section.learning_rate


def build(section: Train) -> keras.optimizers.Optimizer:
    """Make the optimizer with Keras' own settings besides those in the section."""
    own: dict[str, dict[str, Any]] = {
        "adamw": {"weight_decay": section.weight_decay},
        "sgd": {"momentum": section.momentum},
    }
    make = OPTIMIZERS[section.optimizer]
    return make(learning_rate=rate(section), global_clipnorm=section.clip_norm, **own.get(section.optimizer, {}))
