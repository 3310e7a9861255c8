"""Optimizers by their name in params.yaml."""

import keras

OPTIMIZERS = {
    "adadelta": keras.optimizers.Adadelta,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build(name: str, learning_rate: float) -> keras.optimizers.Optimizer:
    """Make the optimizer with Keras' own settings besides the learning rate."""
    return OPTIMIZERS[name](learning_rate=learning_rate)
