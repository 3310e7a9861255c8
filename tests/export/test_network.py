"""The exported network computes what the trained one does, to the precision of its numbers."""

from pathlib import Path

import numpy as np
import onnxruntime


def test_averages_over_a_large_image_are_as_exact_as_those_of_keras(tmp_path: Path) -> None:
    import keras

    from src.export import network

    image = keras.Input((150, 150, 1), name="pixels")
    mean = keras.ops.mean(image / 255, axis=(1, 2, 3), keepdims=True)
    network.write(keras.Model(image, {"mean": mean}), tmp_path / "model.onnx")
    pixels = np.full((1, 150, 150, 1), 143, np.float32)
    (found,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"pixels": pixels})
    np.testing.assert_allclose(found.item(), 143 / 255, rtol=2e-6)
