"""Published networks of keras.applications, untrained or with pretrained weights for fine-tuning."""

from pathlib import Path

from src.core.errors import AssayError
from src.models._build import flat
from src.models._load import load_weights

import keras
from keras import layers

# Mean and deviation of ImageNet's pixels in [0, 1], with which some of the networks were trained.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STANDARDIZED = ([1 / d for d in DEVIATION], [-m / d for m, d in zip(MEAN, DEVIATION, strict=True)])
SYMMETRIC = (2.0, -1.0)  # to [-1, 1]

# For each network, the scale and offset that turn pixels in [0, 1] into the input range it was trained on.
BACKBONES = {
    "DenseNet121": STANDARDIZED,
    "EfficientNetV2B0": STANDARDIZED,
    "MobileNetV3Large": SYMMETRIC,
    "MobileNetV3Small": SYMMETRIC,
    "ResNet50V2": SYMMETRIC,
}
SCALED_INSIDE = ("EfficientNetV2B0", "MobileNetV3Large", "MobileNetV3Small")  # by default
MOMENTUM = 0.9
LEAST = 32  # pixels of a side, for each of the networks
PUBLISHED_SHAPE = (224, 224, 3)
KEY = "model.keras_application"
OPTIONS = ("dropout", "pooling")  # strides are those of the backbone


def features(
    image: keras.KerasTensor,
    *,
    dropout: float,
    pooling: str,
    backbone: str = "MobileNetV3Small",
    weights: str = "none",
    sha256: str | None = None,
) -> keras.KerasTensor:
    """Return the features of the backbone for an image, after dropout.

    A gray image is repeated to three channels. weights: none, imagenet, or the path of a file with this sha256, either
    weights of the network without its top as Keras saves them, or a model.keras that was trained here.

    Raises:
        AssayError: the image is too small, or the weights are not available or do not fit sha256 or the backbone.
    """
    height, width, _ = image.shape[1:]
    if min(height, width) < LEAST:
        raise AssayError(f"preprocess.image_size: expected at least {LEAST} for {backbone}, found {height}x{width}")
    colors = layers.Concatenate()([image] * 3) if image.shape[-1] == 1 else image
    scale, offset = BACKBONES[backbone]
    network = _network(backbone, image_tensor=layers.Rescaling(scale, offset)(colors))
    if weights == "none":
        _follow(network)
    else:
        network.set_weights(_learned(backbone, weights, sha256).get_weights())
    return layers.Dropout(dropout)(flat(network.output, pooling))


def _network(backbone: str, image_tensor: keras.KerasTensor) -> keras.Model:
    """Build the network on top of a tensor, so that its layers become named layers of the whole model."""
    inside = {"include_preprocessing": False} if backbone in SCALED_INSIDE else {}
    make = getattr(keras.applications, backbone)
    shape = image_tensor.shape[1:]
    return make(include_top=False, weights=None, input_tensor=image_tensor, input_shape=shape, **inside)


def _follow(network: keras.Model) -> None:
    """Lower the momentum of batch normalization: with the published one, its averages lag up to 1000 steps behind."""
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = MOMENTUM


def _learned(backbone: str, weights: str, sha256: str | None) -> keras.Model:
    if weights == "imagenet":
        return _from_imagenet(backbone)
    network = _network(backbone, keras.Input(PUBLISHED_SHAPE))
    load_weights(network, f"{backbone} without its top", KEY, Path(weights), sha256, network.load_weights)
    return network


def _from_imagenet(backbone: str) -> keras.Model:
    make = getattr(keras.applications, backbone)
    try:
        return make(include_top=False, weights="imagenet", input_shape=PUBLISHED_SHAPE)
    except Exception as error:  # Keras raises a plain Exception if a download fails
        reason = " ".join(str(error).split())
        raise AssayError(
            f"{KEY}.weights: imagenet weights of {backbone} could not be fetched ({reason}); "
            "go online once, or name the path of a file of weights"
        ) from error
