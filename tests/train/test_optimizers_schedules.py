"""The rate of each epoch, against values worked out by hand and against Keras."""

import numpy as np
import pytest

from src.config import Schedule
from src.train.optimizers import rate_share
from tests import sections

import keras


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
