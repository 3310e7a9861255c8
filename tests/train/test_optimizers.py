"""Every optimizer that params.yaml may name can be made, and learns at its own rate."""

import pytest

from src.config import Train
from src.train import optimizers
from tests import sections

import keras


def section(name: str, **values: object) -> Train:
    return sections.train(epochs=1, batch_size=1, optimizer=name, **values)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_each_name_makes_its_optimizer_with_the_given_rate(name: str) -> None:
    made = optimizers.build(section(name, learning_rate=0.25))
    assert type(made).__name__.lower() == name
    assert float(made.learning_rate) == 0.25


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_each_one_has_a_rate_of_its_own_that_brings_it_down_a_slope(name: str) -> None:
    """A quadratic bowl: with Keras' default of 0.001 Adadelta and Adagrad would hardly move."""
    made = optimizers.build(section(name))
    weight = keras.Variable([0.1])
    made.build([weight])
    for _ in range(100):
        made.apply([2 * weight.value], [weight])
    assert abs(float(weight.numpy()[0])) < 0.05


def test_momentum_and_weight_decay_reach_the_optimizers_that_know_them() -> None:
    assert optimizers.build(section("sgd", momentum=0.7)).momentum == 0.7
    assert optimizers.build(section("adamw", weight_decay=0.1)).weight_decay == 0.1
    assert optimizers.build(section("adam")).weight_decay is None


def test_clipping_shortens_all_gradients_together() -> None:
    made = optimizers.build(section("sgd", momentum=0.0, learning_rate=1.0, clip_norm=1.0))
    weights = [keras.Variable([0.0]), keras.Variable([0.0])]
    made.build(weights)
    made.apply([[3.0], [4.0]], weights)
    assert [float(weight.numpy()[0]) for weight in weights] == pytest.approx([-0.6, -0.8])
