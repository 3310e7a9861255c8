"""Architectures as published, and what all models share."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from src.core import registry
from src.core.errors import AssayError
from src.models import build

GRAY = (150, 150, 1)
OWN_STRIDES = ("efficientnet_lite", "keras_application")  # they do not read the value
# Five poolings after a stride of 3 leave nothing of a smaller image.
OBLONG = {"separable": (99, 97, 1)}


def layer(model, kind: str, number: int = 0):
    return [item for item in model.layers if type(item).__name__ == kind][number]


def kinds(model) -> list[str]:
    return [type(item).__name__ for item in model.layers]


def test_dropout_cnn_has_the_layers_of_the_study() -> None:
    model = build("dropout_cnn", GRAY, 2, dropout=0.5)
    assert kinds(model) == [
        "InputLayer", "Rescaling", "Conv2D", "MaxPooling2D", "Dropout", "Conv2D", "MaxPooling2D", "Flatten", "Dropout",
        "Dense", "Dense",
    ]  # fmt: skip
    convolutions = (3 * 3 * 1 + 1) * 32 + (3 * 3 * 32 + 1) * 64
    assert model.count_params() == convolutions + (36 * 36 * 64 + 1) * 64 + (64 + 1)
    assert [item.rate for item in model.layers if type(item).__name__ == "Dropout"] == [0.5, 0.5]


def test_tiny_cnn_has_the_layers_of_the_study() -> None:
    model = build("tiny_cnn", GRAY, 2, dropout=0.8)
    assert kinds(model) == [
        "InputLayer", "Rescaling", "Conv2D", "MaxPooling2D", "Dropout", "Flatten", "Dense", "Dense"
    ]  # fmt: skip
    assert model.count_params() == (9 + 1) * 6 + (74 * 74 * 6 + 1) * 2 + (2 + 1)
    assert layer(model, "Dropout").rate == 0.8


def test_reduced_inception_has_four_branches_of_one_filter() -> None:
    model = build("reduced_inception", GRAY, 2)
    assert kinds(model).count("Conv2D") == 6
    assert sorted(item.kernel_size[0] for item in model.layers if type(item).__name__ == "Conv2D") == [1, 1, 1, 3, 5, 7]
    pool = layer(model, "MaxPooling2D")
    assert (pool.pool_size, pool.strides, pool.padding) == ((4, 4), (1, 1), "same")
    assert layer(model, "Concatenate").output.shape == (None, 4 * 150 * 150)
    parameters = (49 + 1) + (1 + 1) + (9 + 1) + (1 + 1) + (25 + 1) + (1 + 1)
    assert model.count_params() == parameters + 4 * 150 * 150 + 1


@pytest.mark.parametrize("name", registry.names("models"))
def test_two_classes_end_in_one_sigmoid_and_more_in_a_softmax(name: str) -> None:
    two, four = build(name, (64, 64, 3), 2), build(name, (64, 64, 3), 4)
    assert (two.layers[-1].activation.__name__, two.output_shape) == ("sigmoid", (None, 1))
    assert (four.layers[-1].activation.__name__, four.output_shape) == ("softmax", (None, 4))


@pytest.mark.parametrize("name", registry.names("models"))
def test_every_model_takes_every_stride_and_pooling(name: str) -> None:
    shape = OBLONG.get(name, (65, 63, 1))
    for stride, pooling in ((1, "average"), (2, "max"), (3, "none")):
        model = build(name, shape, 2, stride=stride, pooling=pooling)
        assert model(np.zeros((2, *shape), np.float32)).shape == (2, 1)


@pytest.mark.parametrize("name", ["blood_cnn", "dropout_cnn", "malaria_cnn", "tiny_cnn"])
def test_stride_is_that_of_the_first_convolution_only(name: str) -> None:
    model = build(name, GRAY, 2, stride=2)
    strides = [item.strides for item in model.layers if type(item).__name__ == "Conv2D"]
    assert strides[0] == (2, 2)
    assert set(strides[1:]) <= {(1, 1)}
    assert layer(model, "Conv2D").output.shape[1:3] == (74, 74)


def test_stride_of_reduced_inception_shrinks_every_branch_alike() -> None:
    model = build("reduced_inception", GRAY, 2, stride=2)
    assert layer(model, "Concatenate").output.shape == (None, 4 * 75 * 75)


def test_pooling_lets_one_value_of_each_map_into_the_dense_part() -> None:
    flat, average = (build("dropout_cnn", GRAY, 2, pooling=pooling) for pooling in ("none", "average"))
    assert layer(flat, "Dense").kernel.shape == (36 * 36 * 64, 64)
    assert layer(average, "Dense").kernel.shape == (64, 64)


def test_pixels_are_scaled_inside_the_model() -> None:
    model = build("tiny_cnn", (16, 16, 1), 2)
    scaling = layer(model, "Rescaling")
    assert np.allclose(scaling(np.array([0.0, 51.0, 255.0])), [0.0, 0.2, 1.0])


def test_separable_leaves_its_batch_normalization_out_where_it_is_told_so() -> None:
    with_it, without = (
        [type(layer).__name__ for layer in build("separable", (64, 64, 1), 2, batch_norm=on).layers]
        for on in (True, False)
    )
    assert with_it.count("BatchNormalization") == 7
    assert without == [name for name in with_it if name != "BatchNormalization"]


def test_an_unknown_model_lists_the_choices() -> None:
    with pytest.raises(AssayError, match=r"'tiny_cn'; did you mean 'tiny_cnn'\?; known: .*dropout_cnn, .*tiny_cnn"):
        build("tiny_cn", GRAY, 2)


SMALLEST = [
    ("compact_cnn", 14, 2, 15),
    ("dropout_cnn", 9, 1, 10),
    ("tiny_cnn", 3, 2, 5),
    ("blood_cnn", 3, 1, 6),
    ("malaria_cnn", 20, 1, 22),
    ("separable", 30, 1, 32),
]


@pytest.mark.parametrize(("name", "side", "stride", "needed"), SMALLEST)
def test_images_that_are_too_small_are_refused_and_the_smallest_ones_taken(
    name: str, side: int, stride: int, needed: int
) -> None:
    with pytest.raises(AssayError, match=rf"expected larger images for {name} with stride {stride}, found {side}x150"):
        build(name, (side, 150, 1), 2, stride=stride, pooling="average")
    assert build(name, (needed, needed, 1), 2, stride=stride)


@pytest.mark.parametrize("name", ["blood_fire", "reduced_inception"])
def test_models_that_pad_take_the_smallest_images_that_params_allow(name: str) -> None:
    model = build(name, (8, 9, 3), 2, stride=8)
    assert np.isfinite(model(np.full((1, 8, 9, 3), 255, np.float32))).all()


def test_a_mistake_in_an_architecture_is_not_blamed_on_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("a mistake")

    monkeypatch.setattr(registry.load("models", "tiny_cnn"), "features", broken)
    with pytest.raises(ValueError, match="a mistake"):
        build("tiny_cnn", (16, 16, 1), 2)


def test_one_class_is_refused() -> None:
    with pytest.raises(AssayError, match="at least 2 classes, found 1"):
        build("tiny_cnn", GRAY, 1)


def test_a_file_is_all_that_a_new_model_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = Path(registry.load("models", "tiny_cnn").__file__ or "").read_text(encoding="utf-8")
    (tmp_path / "wide_cnn.py").write_text(source.replace("Conv2D(6", "Conv2D(12"), encoding="utf-8")
    package = registry.importlib.import_module("src.models")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "names", lambda _: ("tiny_cnn", "wide_cnn"))
    options = registry.options
    monkeypatch.setattr(registry, "options", lambda package, _: options(package, "tiny_cnn"))
    assert layer(build("wide_cnn", GRAY, 2), "Conv2D").filters == 12


STRIDES = """
import sys
from itertools import product
import numpy as np
from src import models
import tensorflow as tf
from src.core.errors import AssayError

tf.config.experimental.enable_op_determinism()
tf.keras.utils.set_random_seed(1)
pixels = np.random.default_rng(0).uniform(0, 255, (4, 128, 120, 1)).astype(np.float32)
for name, stride in product(sys.argv[1:], (1, 2, 3, 5, 8)):
    print(name, stride, flush=True)
    try:
        model = models.build(name, (128, 120, 1), 2, stride=stride, pooling="average")
    except AssayError as error:
        assert "preprocess" in str(error) and "expected larger images" in str(error), error
        continue

    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(model(tf.constant(pixels), training=True))
    gradients = tape.gradient(mean, model.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
"""


@pytest.mark.slow
def test_every_stride_trains_or_is_refused_in_one_line() -> None:
    names = [name for name in registry.names("models") if not name.startswith(OWN_STRIDES)]
    done = subprocess.run([sys.executable, "-c", STRIDES, *names], capture_output=True, text=True)
    # A convolution that TensorFlow cannot do ends the process: -6 or -11.
    assert done.returncode == 0, (done.stdout.splitlines()[-1:], done.stderr)


@pytest.mark.parametrize("stride", [2, 3, 8])
def test_reduced_inception_picks_pixels_as_a_strided_point_convolution_would(stride: int) -> None:
    keras = pytest.importorskip("keras")
    image = keras.Input((31, 33, 1))
    picked = registry.load("models", "reduced_inception")._point(image, stride)
    strided = keras.layers.Conv2D(1, 1, strides=stride, padding="same", activation="relu")
    ours, theirs = keras.Model(image, picked), keras.Model(image, strided(image))
    theirs.set_weights(ours.get_weights())
    pixels = np.random.default_rng(0).random((2, 31, 33, 1)).astype(np.float32)
    assert np.array_equal(ours(pixels), theirs(pixels))
