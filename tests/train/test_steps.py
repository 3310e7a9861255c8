"""Graphics cards, stood for by two parts of the CPU: a batch shared among them gives what one device gives."""

import logging
import subprocess
import sys

import pytest

from src.train import steps
from tests import sections

import keras

SECTION = sections.train(epochs=1, batch_size=1, optimizer="adam")
SCRIPT = """
from tests import sections
import numpy as np
from src import models
import tensorflow as tf
import keras
from src.train import class_balance, optimizers, steps

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
section = sections.train(epochs=1, batch_size=7, optimizer="sgd", learning_rate=0.05)
random = np.random.default_rng(0)

def trained(names, precision):
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(1)
    with steps.mirrored(names).scope():
        model = models.build("tiny_cnn", (12, 12, 1), 3, dropout=0.0)
        optimizer = optimizers.build(section)
        if precision != "float32":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
        learn = steps.learning(model, optimizer, class_balance.loss(section))
        shown = [learn(pixels, targets) for pixels, targets in batches]
    return model.get_weights(), shown

sizes = (7, 7, 1)
batches = [(random.uniform(0, 255, (n, 12, 12, 1)).astype(np.float32), random.integers(0, 3, n)) for n in sizes]
one, shown_one = trained([], "float32")
two, shown_two = trained(["CPU:0", "CPU:1"], "float32")
half, shown_half = trained([], "mixed_float16")
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
for (loss, probability), (other, another), n in zip(shown_one, shown_two, sizes, strict=True):
    assert loss.shape == other.shape == (n,)
    np.testing.assert_allclose(loss, other, rtol=1e-4)
    np.testing.assert_allclose(probability, another, rtol=1e-4)
for (loss, _), (other, another) in zip(shown_one, shown_half, strict=True):
    assert another.dtype == np.float32
    np.testing.assert_allclose(loss, other, rtol=0.05)
assert any(not np.array_equal(a, b) for a, b in zip(one, half, strict=True))
assert all(weight.dtype == np.float32 for weight in half)
"""


def test_a_shared_batch_and_half_precision_learn_what_one_device_learns() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("asked", [{"gpus": 2}, {"mixed_precision": True}])
def test_what_the_machine_lacks_is_said_and_training_goes_on_without(
    asked: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    if steps.tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has them")
    caplog.set_level(logging.WARNING, "src")
    with steps.devices(SECTION.model_copy(update=asked)):
        assert keras.config.dtype_policy().name == "float32"
        assert steps.tf.distribute.get_strategy().num_replicas_in_sync == 1
    assert f"train.{next(iter(asked))}: " in caplog.text


def test_the_policy_is_set_back() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with steps.devices(SECTION):
            assert keras.config.dtype_policy().name == "float32"
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
