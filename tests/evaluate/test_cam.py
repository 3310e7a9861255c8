"""What the maps are made from is found in every network, however its branches run."""

import numpy as np
import pytest

from src import models
from src.core import registry
from src.evaluate import cam
from src.evaluate.cam import explain
from tests.evaluate import helpers

pytestmark = pytest.mark.slow
SHAPE = (64, 96, 3)
DEEPER = ("efficientnet_lite1", "efficientnet_lite2")  # the code of efficientnet_lite0 with more layers


def network(name: str, classes: int, pooling: str):  # type: ignore[no-untyped-def]
    return models.build(name, SHAPE, classes, pooling=pooling)


@pytest.mark.parametrize("name", [name for name in registry.names("models") if name not in DEEPER])
def test_every_model_has_a_finite_map_of_the_shape_of_its_last_feature_maps(name: str) -> None:
    model = network(name, 2, "none")
    images = np.random.default_rng(0).integers(256, size=(2, *SHAPE)).astype(np.uint8)
    heat = cam.grad_cam(model, images, np.array([0, 1]))
    assert heat is not None
    assert heat.shape == (2, *cam.last_maps(model)[0].shape[1:3])
    assert heat.shape[2] > heat.shape[1] > 1
    assert np.isfinite(heat).all()
    assert heat.min() >= 0


@pytest.mark.parametrize("backbone", ["EfficientNetV2B0", "MobileNetV3Large", "ResNet50V2"])
def test_backbones_end_in_their_last_maps_not_in_pooled_ones(backbone: str) -> None:
    model = models.build("keras_application", (64, 96, 1), 2, pooling="average", backbone=backbone, weights="none")
    (last,) = cam.last_maps(model)
    assert tuple(last.shape[1:3]) == (2, 3)
    assert cam.averaged(cam.features(model)) == [last]


def test_maps_of_one_place_give_way_to_the_last_ones_of_several() -> None:
    model = models.build("keras_application", (32, 32, 1), 2, pooling="average")
    assert all(max(last.shape[1:3]) > 1 for last in cam.last_maps(model))
    assert cam.cam(model, np.zeros((1, 32, 32, 1), np.uint8), np.array([1])) is None


def test_each_branch_has_its_own_last_maps() -> None:
    assert len(cam.last_maps(network("reduced_inception", 2, "none"))) == 4


@pytest.mark.parametrize(
    ("name", "pooling", "applies"),
    [
        ("blood_fire", "average", True),
        ("compact_cnn", "average", True),  # only a dropout between
        ("reduced_inception", "average", True),  # four averages side by side
        ("keras_application", "average", True),
        ("blood_fire", "none", False),
        ("blood_fire", "max", False),
        ("blood_cnn", "average", False),  # a dense layer between
        ("separable", "average", False),
    ],
)
def test_class_activation_maps_are_for_averages_followed_by_the_output(name: str, pooling: str, applies: bool) -> None:
    found = cam.cam(network(name, 2, pooling), np.zeros((1, *SHAPE), np.uint8), np.array([0]))
    assert (found is not None) == applies


@pytest.mark.parametrize(("pooling", "there"), [("average", {"cam"}), ("none", {"grad_cam", "hires_cam"})])
def test_grad_cam_and_hires_cam_are_shown_where_there_is_no_class_activation_map(pooling: str, there: set[str]) -> None:
    found = helpers.binary([0, 1, 1], [0.2, 0.9, 0.1])
    images = np.random.default_rng(0).integers(256, size=(3, *SHAPE)).astype(np.uint8)
    cams = explain(network("compact_cnn", 2, pooling), found, np.array([0, 1, 0]), images)
    maps_made = set(cams.maps)
    assert maps_made == there
    assert len({heat.shape for heat in cams.maps.values()}) == 1


def test_a_network_inside_a_network_is_looked_into() -> None:
    import keras

    inner = keras.Input((16, 24, 8))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 3)(inner))
    pixels = keras.Input((16, 24, 1))
    outer = keras.Model(inner, pooled)(keras.layers.Conv2D(8, 3, padding="same")(pixels))
    model = keras.Model(pixels, keras.layers.Dense(1, activation="sigmoid")(outer))
    images = np.random.default_rng(0).integers(256, size=(3, 16, 24, 1)).astype(np.uint8)
    heat = cam.cam(model, images, np.ones(3, np.int64))
    assert heat is not None
    assert heat.shape == (3, 14, 22)
    logits = heat.mean(axis=(1, 2)) + model.layers[-1].bias.numpy()
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(model(images.astype(np.float32)).numpy()[:, 0], abs=1e-5)


def test_where_one_dense_layer_follows_the_maps_hires_cam_adds_up_to_the_logit() -> None:
    import keras

    pixels = keras.Input((16, 24, 1))
    flat = keras.layers.Flatten()(keras.layers.Conv2D(5, 3, activation="relu")(pixels))
    model = keras.Model(pixels, keras.layers.Dense(3, activation="softmax", bias_initializer="ones")(flat))
    images = np.random.default_rng(0).integers(4, size=(3, 16, 24, 1)).astype(np.uint8)
    heat = cam.hires_cam(model, images, np.arange(3))
    assert heat is not None
    kernel, bias = model.layers[-1].get_weights()
    logits = keras.Model(pixels, flat)(images.astype(np.float32)).numpy() @ kernel
    assert bias.tolist() == [1, 1, 1]
    assert heat.sum(axis=(1, 2)) == pytest.approx(np.diag(logits), rel=1e-4)


def test_a_network_without_places_or_without_a_dense_output_has_no_maps() -> None:
    import keras

    pixels = keras.Input((1, 1, 1))
    dense = keras.Model(pixels, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(pixels)))
    assert cam.grad_cam(dense, np.zeros((1, 1, 1, 1), np.uint8), np.array([0])) is None
    pixels = keras.Input((4, 4, 1))
    pooled = keras.layers.Activation("sigmoid")(keras.layers.GlobalAveragePooling2D()(pixels))
    other = keras.Model(pixels, pooled)
    for kind in (cam.cam, cam.grad_cam, cam.hires_cam):
        assert kind(other, np.zeros((1, 4, 4, 1), np.uint8), np.array([0])) is None
