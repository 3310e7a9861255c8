"""Every optimizer that params.yaml may name can be made."""

from typing import get_args

import pytest

from src.params import Train, sections
from src.training import optimizers


@pytest.mark.parametrize("name", get_args(sections.Optimizer))
def test_each_name_makes_its_optimizer_with_the_given_rate(name: str) -> None:
    made = optimizers.build(Train(epochs=1, batch_size=1, optimizer=name, learning_rate=0.25))
    assert type(made).__name__.lower() == name
    assert float(made.learning_rate) == 0.25
