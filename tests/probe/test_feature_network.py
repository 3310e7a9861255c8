"""The network for ONNX Runtime computes what the Keras network of the same weights computes."""

import numpy as np
import pytest

from src.models import build  # first: it sets what TensorFlow reads when it is loaded
from src.probe import feature_network

import keras


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_the_keras_network(channels: int) -> None:
    shape = (feature_network.SIDE, feature_network.SIDE, channels)
    images = np.random.default_rng(0).integers(256, size=(3, *shape)).astype(np.uint8)
    model = build(feature_network.NAME, shape, 2, pooling="average", weights="imagenet")
    expected = keras.Model(model.input, model.layers[-2].output)(images.astype(np.float32), training=False)
    np.testing.assert_allclose(feature_network.features(images, np.array([2, 0])), expected.numpy()[[2, 0]], atol=1e-4)


def test_images_of_any_size_are_shown_at_the_size_of_the_networks_own_training() -> None:
    large = np.full((1, 300, 400, 3), 90, np.uint8)
    small = np.full((1, 20, 30, 1), 90, np.uint8)
    row = np.array([0])
    np.testing.assert_allclose(feature_network.features(large, row), feature_network.features(small, row), atol=1e-5)
