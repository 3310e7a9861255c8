"""Images whose class depends on a patch at a known place: that is where the maps of a network that solves it lie."""

from typing import Any

import numpy as np
import pytest

from src.evaluate import cam
from src.evaluate.cam_overlay import normalize
from src.evaluate.predict import predict
from src.train import fit
from src.train.data import Data, Part
from tests import sections

HEIGHT, WIDTH, SIDE = 48, 64, 12
TOP, LEFT = 6, 44  # of the patch: above and right of the middle
THIRD = 96
Solved = tuple[Any, np.ndarray, np.ndarray]  # a network, images that it decides right, their classes

pytestmark = pytest.mark.slow


def images(random: np.random.Generator, labels: np.ndarray, square: bool) -> np.ndarray:
    """Draw noise, a bright square anywhere below the patch, and in the patch stripes that run as the class says."""
    pixels = random.normal(110, 12, size=(len(labels), HEIGHT, WIDTH, 1))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    patterns = [rows // 2 % 2, columns // 2 % 2, (rows // 2 + columns // 2) % 2]
    for picture, label in zip(pixels, labels, strict=True):
        top, left = random.integers(22, HEIGHT - 10), random.integers(0, WIDTH - 10)
        picture[top : top + 10, left : left + 10] += 60 * square
        picture[TOP : TOP + SIDE, LEFT : LEFT + SIDE, 0] += 140 * (patterns[label] - 0.5)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def train(name: str, pooling: str, classes: int, square: bool, **training: Any) -> Solved:
    """Train by the project's own loop, and give what is decided right on images that were not learned from."""
    labels = np.arange(3 * THIRD) % classes
    pixels = images(np.random.default_rng(5), labels, square)
    learned, held = np.arange(2 * THIRD), np.arange(2 * THIRD, 3 * THIRD)
    data = Data(pixels, tuple("abc"[:classes]), Part(learned, labels[learned]), Part(held, labels[held]))
    section = sections.train(**{"epochs": 6, "batch_size": 16, "optimizer": "adam", "learning_rate": 2e-3, **training})
    network = fit(data, sections.model(name=name, dropout=0.0, pooling=pooling), section, 42).model
    taken = predict(network, pixels, held).argmax(axis=1)
    assert (taken == labels[held]).mean() > 0.95
    right = held[taken == labels[held]]
    return network, pixels[right], labels[right]


@pytest.fixture(scope="module")
def pooled() -> Solved:
    return train("compact_cnn", "average", 2, square=True)


@pytest.fixture(scope="module")
def pooled_three() -> Solved:
    return train("compact_cnn", "average", 3, square=True)


@pytest.fixture(scope="module")
def flat() -> Solved:
    """Grad-CAM weights a map by its mean slope, of which places that taught nothing keep their random share.

    So that the patch outweighs them, there is nothing else in the image and weights that nothing teaches decay.
    """
    decay = {"optimizer": "adamw", "weight_decay": 4.0, "learning_rate": 3e-3, "epochs": 12}
    return train("dropout_cnn", "none", 2, square=False, **decay)


@pytest.fixture(scope="module")
def flat_among_others() -> Solved:
    return train("dropout_cnn", "none", 2, square=True)


def shown(heat: np.ndarray | None) -> np.ndarray:
    assert heat is not None
    return np.stack([normalize(one, (HEIGHT, WIDTH)) for one in heat])


def peak_inside(heat: np.ndarray | None) -> float:
    """Give the share of the maps (N, h, w) whose peak lies within the patch."""
    peaks = [np.unravel_index(one.argmax(), one.shape) for one in shown(heat)]
    return float(np.mean([TOP <= row < TOP + SIDE and LEFT <= column < LEFT + SIDE for row, column in peaks]))


def density_inside(heat: np.ndarray | None) -> float:
    """Give how many times denser the maps (N, h, w) are within the patch than over the image."""
    values = shown(heat)
    return float(values[:, TOP : TOP + SIDE, LEFT : LEFT + SIDE].mean() / values.mean())


@pytest.mark.parametrize("solved", ["pooled", "pooled_three", "flat"])
def test_grad_cam_lies_on_the_patch(solved: str, request: pytest.FixtureRequest) -> None:
    network, pixels, labels = request.getfixturevalue(solved)
    heat = cam.grad_cam(network, pixels, labels)
    for number in np.unique(labels):
        assert peak_inside(heat[labels == number]) > 0.8
        assert density_inside(heat[labels == number]) > 2.5


@pytest.mark.parametrize("solved", ["pooled", "pooled_three"])
def test_the_class_activation_map_lies_on_the_patch(solved: str, request: pytest.FixtureRequest) -> None:
    network, pixels, labels = request.getfixturevalue(solved)
    heat = cam.cam(network, pixels, labels)
    for number in np.unique(labels):
        assert peak_inside(heat[labels == number]) > 0.9
        assert density_inside(heat[labels == number]) > 3


def test_of_a_flattening_network_hires_cam_lies_on_the_patch_and_closer_than_grad_cam(
    flat_among_others: Solved,
) -> None:
    network, pixels, labels = flat_among_others
    heat, blurred = cam.hires_cam(network, pixels, labels), cam.grad_cam(network, pixels, labels)
    for number in np.unique(labels):
        assert peak_inside(heat[labels == number]) > 0.9
        assert density_inside(heat[labels == number]) > 2.5
    assert density_inside(heat) > density_inside(blurred)


@pytest.mark.parametrize("solved", ["pooled", "pooled_three"])
def test_of_an_averaging_network_slopes_give_the_class_activation_map_but_for_scale(
    solved: str, request: pytest.FixtureRequest
) -> None:
    network, pixels, labels = request.getfixturevalue(solved)
    heat = cam.cam(network, pixels, labels)
    assert heat is not None
    expected, near = heat / heat[0].size, 1e-5 * heat.max()
    assert cam.hires_cam(network, pixels, labels) == pytest.approx(expected, rel=1e-3, abs=near)
    assert cam.grad_cam(network, pixels, labels) == pytest.approx(np.maximum(expected, 0), rel=1e-3, abs=near)


@pytest.mark.parametrize("solved", ["pooled", "pooled_three"])
def test_the_mean_of_a_class_activation_map_is_the_logit_without_its_bias(
    solved: str, request: pytest.FixtureRequest
) -> None:
    network, pixels, _ = request.getfixturevalue(solved)
    probability = predict(network, pixels, np.arange(len(pixels)))
    last = probability.shape[1] - 1
    maps_of = [cam.cam(network, pixels, np.full(len(pixels), number)) for number in range(last + 1)]
    logits = [heat.mean(axis=(1, 2)) for heat in maps_of if heat is not None]
    bias = network.layers[-1].bias.numpy()
    if last == 1:
        expected, found = np.log(probability[:, 1] / probability[:, 0]), logits[1] + bias[0]
    else:
        expected = np.log(probability[:, 1] / probability[:, 2])
        found = logits[1] + bias[1] - logits[2] - bias[2]
    sure = np.abs(expected) < 9  # eight decimals tell no more
    assert found[sure] == pytest.approx(expected[sure], rel=1e-3, abs=1e-3)


def test_what_speaks_for_the_last_of_two_classes_speaks_against_the_first(pooled: Solved) -> None:
    network, pixels, _ = pooled
    first, last = (cam.cam(network, pixels, np.full(len(pixels), number)) for number in (0, 1))
    assert first == pytest.approx(-last)
    weights = network.layers[-1].kernel.numpy()
    assert (weights < 0).any()


def test_the_slope_is_that_of_the_logit_where_the_probability_is_saturated(pooled: Solved) -> None:
    network, pixels, labels = pooled
    before = cam.grad_cam(network, pixels[:4], labels[:4])
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([kernel * 1000, bias])
    after = cam.grad_cam(network, pixels[:4], labels[:4])
    network.layers[-1].set_weights([kernel, bias])
    assert after == pytest.approx(1000 * before, rel=1e-3)
    assert before.max() > 0
