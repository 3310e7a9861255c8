"""Backbones of Keras: their own scaling inside, any colour, and weights that are what they are said to be."""

import hashlib
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from src.config import sections
from src.core.errors import AssayError
from src.models import build, keras_application, load
from src.train import stage

import keras

NAME = "keras_application"
SMALL = "MobileNetV3Small"
SHAPE = (32, 45, 3)  # oblong, and no smaller than images may be
SCALED = {  # how each network's own module scales pixels 0..255
    "DenseNet121": keras.applications.densenet.preprocess_input,
    "ResNet50V2": keras.applications.resnet_v2.preprocess_input,
}


def backbone(name: str = SMALL) -> keras.Model:
    return getattr(keras.applications, name)(include_top=False, weights=None, input_shape=SHAPE)


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of weights of the small network, as Keras saves them."""
    path = tmp_path_factory.mktemp("weights") / "small.weights.h5"
    backbone().save_weights(path)
    return path


def test_params_name_the_backbones_that_there_are() -> None:
    assert set(get_args(sections.Backbone)) == set(keras_application.BACKBONES)


@pytest.mark.parametrize("name", keras_application.BACKBONES)
def test_features_are_those_that_keras_gives_for_pixels(name: str, tmp_path: Path) -> None:
    """Scaled as the network's own module does it, inside the model."""
    expected = backbone(name)
    expected.save_weights(tmp_path / "x.weights.h5")
    options = {"backbone": name, "weights": str(tmp_path / "x.weights.h5"), "sha256": sha256(tmp_path / "x.weights.h5")}
    model = build(NAME, SHAPE, 4, pooling="average", **options)
    batch = pixels(2, *SHAPE)
    scaled = SCALED.get(name, np.array)(batch.copy())
    found = keras.Model(model.input, model.layers[-1].input)(batch, training=False)
    np.testing.assert_allclose(found, expected(scaled, training=False).numpy().mean(axis=(1, 2)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", keras_application.BACKBONES)
@pytest.mark.parametrize("shape", [(31, 40, 1), (64, 20, 3)])
def test_too_small_images_are_told_at_once_for_every_network(name: str, shape: tuple[int, int, int]) -> None:
    found = f"found {shape[0]}x{shape[1]}$"
    with pytest.raises(AssayError, match=rf"^preprocess\.image_size: expected at least 32 for {name}, {found}"):
        build(NAME, shape, 2, backbone=name)


def test_gray_is_seen_as_the_same_in_three_channels(weights: Path) -> None:
    options = {"weights": str(weights), "sha256": sha256(weights), "pooling": "average"}
    gray, rgb = (build(NAME, (32, 32, channels), 2, **options) for channels in (1, 3))
    batch = pixels(2, 32, 32, 1)
    gray.layers[-1].set_weights(rgb.layers[-1].get_weights())
    np.testing.assert_allclose(gray(batch), rgb(np.repeat(batch, 3, axis=-1)), rtol=1e-5)


def test_layers_of_the_backbone_are_layers_of_the_model() -> None:
    model = build(NAME, SHAPE, 2, backbone="DenseNet121")
    assert model.get_layer("conv5_block16_concat").output.shape == (None, 1, 1, 1024)


def test_averages_follow_what_is_learned_from_random_weights_alone(weights: Path) -> None:
    untrained = build(NAME, SHAPE, 2)
    learned = build(NAME, SHAPE, 2, weights=str(weights), sha256=sha256(weights))
    assert (untrained.get_layer("conv_bn").momentum, learned.get_layer("conv_bn").momentum) == (0.9, 0.999)


def test_a_model_trained_here_gives_its_backbone_to_another(tmp_path: Path) -> None:
    source = build(NAME, (40, 40, 1), 4, pooling="average", backbone=SMALL)
    stage.write(source, tmp_path / "model.keras")
    options = {"weights": str(tmp_path / "model.keras"), "sha256": sha256(tmp_path / "model.keras")}
    model = build(NAME, (50, 50, 3), 2, backbone=SMALL, **options)
    for layer in model.layers[:-1]:
        if layer.weights:
            pairs = zip(layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True)
            assert all(np.array_equal(*pair) for pair in pairs), layer.name


def test_a_saved_model_is_read_without_its_weights_file(tmp_path: Path, weights: Path) -> None:
    model = build(NAME, SHAPE, 2, pooling="average", weights=str(weights), sha256=sha256(weights))
    stage.write(model, tmp_path / "model.keras")
    batch = pixels(2, *SHAPE)
    np.testing.assert_array_equal(load(tmp_path / "model.keras")(batch), model(batch))


def test_weights_without_their_checksum_are_refused_with_it(weights: Path) -> None:
    with pytest.raises(AssayError, match=rf"keras_application\.sha256: .*{sha256(weights)}; found None$"):
        build(NAME, SHAPE, 2, weights=str(weights))


def test_a_missing_file_and_weights_of_another_network_are_one_line_each(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"weights: expected none, imagenet or the path of a file, found 'none_such'"):
        build(NAME, SHAPE, 2, weights="none_such")
    own = {"backbone": "ResNet50V2", "weights": str(weights), "sha256": sha256(weights)}
    with pytest.raises(AssayError, match=r"expected weights of ResNet50V2 without its top, found something else in .*"):
        build(NAME, SHAPE, 2, **own)
    stage.write(build("tiny_cnn", SHAPE, 2), tmp_path / "model.keras")
    own = {"weights": str(tmp_path / "model.keras"), "sha256": sha256(tmp_path / "model.keras")}
    with pytest.raises(AssayError, match=r"expected weights of MobileNetV3Small without its top"):
        build(NAME, SHAPE, 2, **own)


def test_imagenet_without_network_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nothing listens
    with pytest.raises(AssayError, match=r"imagenet weights of MobileNetV3Small could not be fetched") as caught:
        build(NAME, SHAPE, 2, weights="imagenet")
    assert "\n" not in str(caught.value)
