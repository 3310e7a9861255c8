"""Optimizers and learning-rate schedules by their names in params.yaml.

The rate of an epoch follows from the epochs before, so a training can be taken up anywhere.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from src.config import Schedule, Train

import keras


@dataclass(frozen=True)
class Optimizer:
    """A class of Keras, the learning rate that suits it, and which options of the section it alone reads."""

    make: Callable[..., keras.optimizers.Optimizer]
    rate: float
    options: tuple[str, ...] = ()


# Keras gives 0.001 to all but SGD. The rate of Adadelta is the one of its paper (Zeiler 2012, arXiv:1212.5701), which
# has no rate at all; Adagrad divides by all gradients that ever were and so needs a larger one.
OPTIMIZERS = {
    "adadelta": Optimizer(keras.optimizers.Adadelta, 1.0),
    "adagrad": Optimizer(keras.optimizers.Adagrad, 0.01),
    "adam": Optimizer(keras.optimizers.Adam, 0.001),
    "adamw": Optimizer(keras.optimizers.AdamW, 0.001, options=("weight_decay",)),
    "rmsprop": Optimizer(keras.optimizers.RMSprop, 0.001),
    "sgd": Optimizer(keras.optimizers.SGD, 0.01, options=("momentum",)),
}


def rate(section: Train) -> float:
    """Return the learning rate asked for, or one that suits the optimizer."""
    return OPTIMIZERS[section.optimizer].rate if section.learning_rate is None else section.learning_rate


def build(section: Train) -> keras.optimizers.Optimizer:
    """Make the optimizer with Keras' own settings besides those in the section."""
    chosen = OPTIMIZERS[section.optimizer]
    own = {name: getattr(section, name) for name in chosen.options}
    return chosen.make(learning_rate=rate(section), global_clipnorm=section.clip_norm, **own)


@dataclass(frozen=True)
class ScheduleRule:
    """How a schedule goes on after the warm-up: its share of the rate, and which options of the section it reads.

    share: of the section, the share of the epochs that are done, and the validation losses, both since the warm-up.
    """

    share: Callable[[Schedule, float, Sequence[float]], float]
    options: tuple[str, ...] = ()


def rate_share(section: Schedule, epochs: int, losses: Sequence[float]) -> float:
    """Return the learning rate as a share of the given one, for the epoch after those with these validation losses.

    epochs: how many there will be in all. The first `warmup` epochs rise evenly to the whole rate.
    """
    done = len(losses) - section.warmup
    if done < 0:
        return (len(losses) + 1) / (section.warmup + 1)
    return SCHEDULES[section.name].share(section, done / max(epochs - section.warmup, 1), losses[section.warmup :])


def _constant(section: Schedule, course: float, losses: Sequence[float]) -> float:
    return 1.0


def _step(section: Schedule, course: float, losses: Sequence[float]) -> float:
    """Multiply by `factor` after each `every` epochs."""
    return max(section.floor, section.factor ** (len(losses) // section.every))


def _cosine(section: Schedule, course: float, losses: Sequence[float]) -> float:
    """Fall along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    return section.floor + (1 - section.floor) * (1 + math.cos(math.pi * course)) / 2


def _plateau(section: Schedule, course: float, losses: Sequence[float]) -> float:
    """Multiply by `factor` whenever `every` epochs have brought no better loss."""
    return max(section.floor, section.factor ** _drops(losses, section.every))


def _drops(losses: Sequence[float], patience: int) -> int:
    """Count the drops: one whenever the loss has not improved for `patience` epochs since its best or the last drop."""
    best, waited, drops = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            drops, waited = drops + 1, 0
    return drops


SCHEDULES = {
    "constant": ScheduleRule(_constant),
    "step": ScheduleRule(_step, options=("every", "factor", "floor")),
    "cosine": ScheduleRule(_cosine, options=("floor",)),
    "plateau": ScheduleRule(_plateau, options=("every", "factor", "floor")),
}
