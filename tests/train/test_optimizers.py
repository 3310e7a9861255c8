"""Optimizers can be made and learn at their own rates; schedules against values worked out by hand and Keras."""

import numpy as np
import pytest

from src.config import Schedule, Train
from src.train import optimizers
from src.train.optimizers import rate_share
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


def course(section: Schedule, epochs: int, losses: list[float] | None = None) -> list[float]:
    losses = losses or [1.0] * epochs
    return [rate_share(section, epochs, losses[:done]) for done in range(epochs)]


def test_a_constant_rate_stays() -> None:
    assert course(sections.schedule(), 3) == [1, 1, 1]


def test_steps_come_after_every_so_many_epochs_and_end_at_the_floor() -> None:
    assert course(sections.schedule(name="step", every=2, factor=0.5), 7) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert course(sections.schedule(name="step", every=2, factor=0.5, floor=0.3), 6)[4:] == [0.3, 0.3]


def test_cosine_falls_from_all_to_the_floor_after_warming_up() -> None:
    assert course(sections.schedule(name="cosine"), 4) == pytest.approx([1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])
    warmed = course(sections.schedule(name="cosine", warmup=3, floor=0.2), 7)
    assert warmed == pytest.approx([0.25, 0.5, 0.75, 1, 0.6 + 0.4 * 0.5**0.5, 0.6, 0.6 - 0.4 * 0.5**0.5])


def test_warming_up_delays_the_others() -> None:
    assert course(sections.schedule(name="step", every=2, factor=0.5, warmup=1), 6) == [0.5, 1, 1, 0.5, 0.5, 0.25]


def test_plateaus_lower_the_rate_where_keras_does() -> None:
    losses = np.random.default_rng(1).normal(size=60).cumsum().round(1).tolist()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    callback = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=3, min_delta=0, min_lr=0.01)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(losses):
        rates.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_loss": loss})
    assert course(sections.schedule(name="plateau", every=3, factor=0.5, floor=0.01), 60, losses) == pytest.approx(
        rates
    )
    assert len(set(rates)) > 4
