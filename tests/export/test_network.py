"""The exported network computes what the trained one does, to the precision of its numbers."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime


def test_averages_over_a_large_image_are_as_exact_as_those_of_keras(tmp_path: Path) -> None:
    from src.export import network

    import keras

    image = keras.Input((150, 150, 1), name="pixels")
    mean = keras.ops.mean(image / 255, axis=(1, 2, 3), keepdims=True)
    network.write(keras.Model(image, {"mean": mean}), tmp_path / "model.onnx")
    pixels = np.full((1, 150, 150, 1), 143, np.float32)
    (found,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"pixels": pixels})
    np.testing.assert_allclose(found.item(), 143 / 255, rtol=2e-6)


def test_maps_are_multiplied_by_numbers_of_as_many_axes(tmp_path: Path) -> None:
    from src.export import network

    import keras

    image = keras.Input((8, 8, 1), name="pixels")
    made = keras.Model(image, {"scaled": keras.layers.Rescaling(1 / 255, offset=-0.5)(image)})
    network.write(made, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    taken = {name for node in graph.node if node.op_type in network.ELEMENTWISE for name in node.input}
    sizes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert [sizes[name] for name in sorted(taken & set(sizes))] == [(1, 1, 1, 1)] * 2
    pixels = np.full((2, 8, 8, 1), 51, np.float32)
    (found,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"pixels": pixels})
    np.testing.assert_allclose(found, pixels / 255 - 0.5, rtol=1e-6)
