"""Runs the trained model over images of the packed store, and lists its layers."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from src.config.sections import Flips
from src.core.errors import AssayError
from src.core.paths import PARAMS
from src.core.progress import track
from src.images.pixels import Pixels
from src.metrics.predictions import Floats, Integers, Scored
from src.metrics.scores import calibration_error, overall_scores
from src.metrics.threshold import FALLBACK, choose

if TYPE_CHECKING:
    import keras

BATCH = 64
FLIPPED = {"horizontal": ((2,),), "vertical": ((1,),), "both": ((2,), (1,), (1, 2))}  # the axes of each mirror image
DECIMALS = 8  # of the probabilities in predictions.csv; every score is computed from these rounded values


def open_model(model: Path, shape: tuple[int, ...], seed: int, threads: int) -> "keras.Model":
    """Load a trained model for images of a shape (H, W, C), with TensorFlow configured as in training.

    Raises:
        AssayError: the model is missing, or it expects images of another shape.
    """
    from src.models import _load

    _load.start(seed, threads)
    network = _load.load(model)
    check_shape(model, network.input_shape[1:], shape)
    return network


def check_shape(where: Path, found: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Check that prepared images or a model have the shape (H, W, C) that params.yaml asks for.

    Raises:
        AssayError: they have another shape.
    """
    if found != shape:
        expected, other = ("x".join(map(str, sides)) for sides in (shape, found))
        keys = f"as {PARAMS} says (preprocess.image_size, color)"
        raise AssayError(f"{where}: expected images of {expected}, {keys}, found {other}; run dvc repro --force")


def predict(network: "keras.Model", images: Pixels, rows: Integers) -> Floats:
    """Return the class probabilities (N, K) of the images at `rows`, rounded to eight decimals.

    images: uint8 (M, H, W, C), memory-mapped and read in batches. A single output is the probability of the
    second of two classes.
    """
    probabilities = outputs(network, images, rows, "predicting val and test").round(DECIMALS)
    if probabilities.shape[1] == 1:
        return np.hstack([np.round(1 - probabilities, DECIMALS), probabilities])
    return probabilities


def outputs(network: "keras.Model", images: Pixels, rows: Integers, what: str) -> Floats:
    """Return the outputs (N, F) of a network for the images at `rows` of a store (M, H, W, C); `what` names the bar."""
    import tensorflow as tf

    shape = tf.TensorSpec((None, *images.shape[1:]), tf.float32)  # so that a smaller last batch is not retraced
    step = tf.function(lambda batch: network(batch, training=False), input_signature=[shape], autograph=False)
    starts = range(0, len(rows), BATCH)
    parts = [
        step(tf.constant(images[rows[start : start + BATCH]], dtype=tf.float32)).numpy()
        for start in track(starts, len(starts), what, "step")
    ]
    none = np.zeros((0, network.output_shape[-1]))  # the result for no images
    return np.concatenate([none, *parts], dtype=np.float64)


def with_flips(network: "keras.Model", flips: Flips) -> "keras.Model":
    """Return the network, or a model that averages the probabilities of an image and its mirror images."""
    import keras

    if flips == "none":
        return network
    pixels = keras.Input(network.input_shape[1:], name="pixels")
    mirrored = [keras.ops.flip(pixels, axes) for axes in FLIPPED[flips]]
    return keras.Model(pixels, keras.layers.Average()([network(each) for each in (pixels, *mirrored)]))


class Layer(NamedTuple):
    """A layer: its name, its Keras class, the shape of its output for one image, and its number of parameters."""

    name: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int

    @property
    def output(self) -> str:
        """The shape as text.

        >>> Layer("a", "Conv2D", (64, 64, 16), 160).output
        '64 x 64 x 16'
        """
        return " x ".join("any" if side is None else str(side) for side in self.shape)


def layers(network: "keras.Model") -> list[Layer]:
    """List the layers in their order."""
    from keras import tree

    return [
        Layer(layer.name, type(layer).__name__, tuple(tree.flatten(layer.output)[0].shape[1:]), layer.count_params())
        for layer in network.layers
    ]


def val_scores(
    network: "keras.Model",
    images: Pixels,
    rows: Integers,
    targets: Integers,
    classes: tuple[str, ...],
    rule: str | float,
) -> dict[str, float]:
    """Return by name every score that evaluate computes on val; scores that are not finite are left out.

    rows, targets: (N,) store rows and class numbers of val. rule: how the threshold is chosen; it is chosen on val and
    applied to val, as in the val scores of metrics.json.
    """
    known = predict(network, images, rows)
    scored = Scored(classes, rows, ("",) * len(rows), targets, known, groups=np.arange(len(rows)), grouped=False)
    cut = choose(targets == 1, known[:, 1], rule).value if scored.binary else FALLBACK
    decisions = scored.decide(cut)
    scores = overall_scores(scored, decisions) | {"calibration_error": calibration_error(scored, decisions)}
    return {name: value for name, value in scores.items() if np.isfinite(value)}
