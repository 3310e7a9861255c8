"""A network of the project as Keras' own guides compile it, for the peers that train with `fit`."""

from src import models
from src.config import Params
from src.train import optimizers
from src.train.data import Data

import keras


def compiled(params: Params, data: Data) -> keras.Model:
    """Build and compile what the params name for the data's images and classes."""
    section = params.model
    network = models.build(
        section.name, data.images.shape[1:], len(data.classes),
        dropout=section.dropout, stride=section.stride, pooling=section.pooling, **section.own(),
    )  # fmt: skip
    loss = "binary_crossentropy" if len(data.classes) == 2 else "sparse_categorical_crossentropy"
    network.compile(optimizers.build(params.train), loss)
    return network
