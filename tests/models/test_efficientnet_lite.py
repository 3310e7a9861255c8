"""EfficientNet-Lite as published: its ImageNet weights name pictures right, and are the published file."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from src.core.errors import AssayError
from src.images.pixels import Pixels
from src.models import build
from src.train import stage
from src.weights import efficientnet_lite as lite
from src.weights.efficientnet_lite import LITE0

import keras

NAME = "efficientnet_lite0"
SIDE = 224
PALACE, DAISY = 698, 985  # of ImageNet's 1,000 classes
IMAGENET = {"pooling": "average", "weights": "imagenet"}


def square(image: Pixels) -> Pixels:
    """Cut the middle square out, as ImageNet's pictures are shown."""
    cv2 = pytest.importorskip("cv2")
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return cv2.resize(image[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Build the network for photographs, with learned weights."""
    return build(NAME, (SIDE, SIDE, 3), 2, **IMAGENET)


def test_the_1000_class_head_names_well_known_pictures(network: keras.Model) -> None:
    tensors = lite.read_imagenet(LITE0)
    photographs = load_sample_images()
    batch = np.stack([square(image) for image in photographs.images]).astype(np.float32)
    features = keras.Model(network.input, network.layers[-2].output)(batch, training=False).numpy()
    found = (features @ tensors["_fc.weight"].T + tensors["_fc.bias"]).argmax(axis=1)
    names = [Path(name).name for name in photographs.filenames]
    assert dict(zip(names, found, strict=True)) == {"china.jpg": PALACE, "flower.jpg": DAISY}


def test_gray_is_seen_as_the_same_in_three_channels(network: keras.Model) -> None:
    gray = build(NAME, (SIDE, SIDE, 1), 2, **IMAGENET)
    gray.layers[-1].set_weights(network.layers[-1].get_weights())
    batch = np.random.default_rng(0).integers(256, size=(2, SIDE, SIDE, 1)).astype(np.float32)
    np.testing.assert_allclose(gray(batch), network(np.repeat(batch, 3, axis=-1)), rtol=1e-5)


def test_a_model_trained_here_gives_its_layers_to_another(network: keras.Model, tmp_path: Path) -> None:
    stage.write(network, tmp_path / "model.keras")
    digest = hashlib.sha256((tmp_path / "model.keras").read_bytes()).hexdigest()
    found = build(NAME, (32, 32, 1), 4, weights=str(tmp_path / "model.keras"), sha256=digest)
    for name in ("stem_conv", "block15_depthwise_conv", "head_bn"):
        for pair in zip(found.get_layer(name).get_weights(), network.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(*pair)
    with pytest.raises(AssayError, match=rf"model\.efficientnet_lite\.sha256: .*{digest}; found None$"):
        build(NAME, (32, 32, 1), 4, weights=str(tmp_path / "model.keras"))


def test_weights_of_another_network_and_a_missing_file_are_one_line_each() -> None:
    found = find_spec(LITE0.package)
    assert found is not None
    assert found.origin is not None
    (file,) = Path(found.origin).parent.rglob("*.pth")
    path = {"weights": str(file), "sha256": LITE0.sha256}
    with pytest.raises(AssayError, match=r"expected weights of EfficientNet-Lite2, found something else in .*pth"):
        build("efficientnet_lite2", (32, 32, 1), 2, **path)
    with pytest.raises(AssayError, match=r"efficientnet_lite\.weights: expected none, imagenet or the path of a file"):
        build(NAME, (32, 32, 1), 2, weights="none_such")
