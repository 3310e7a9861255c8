"""Pieces that more than one architecture is made of."""

import keras


def flat(maps: keras.KerasTensor, pooling: str) -> keras.KerasTensor:
    """Turn feature maps (N, H, W, F) into vectors: every value of every map, or the average or maximum of each."""
    layers = {
        "none": keras.layers.Flatten,
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
    }
    return layers[pooling]()(maps)
