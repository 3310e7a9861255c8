"""Optimizers and learning-rate schedules by their names in params.yaml.

The rate of an epoch depends only on the epochs before it, so training can resume after any epoch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from src.config import Schedule, Train

import keras


@dataclass(frozen=True)
class Optimizer:
    """A Keras class, its default learning rate, and the options of the section that only this optimizer reads."""

    make: Callable[..., keras.optimizers.Optimizer]
    rate: float
    options: tuple[str, ...] = ()


# The default of Keras is 0.001 for all but SGD. Adadelta has 1 here, since its paper (Zeiler 2012, arXiv:1212.5701) has
# no learning rate. Adagrad divides by the root of the sum of all past squared gradients, and needs a larger rate.
OPTIMIZERS = {
    "adadelta": Optimizer(keras.optimizers.Adadelta, 1.0),
    "adagrad": Optimizer(keras.optimizers.Adagrad, 0.01),
    "adam": Optimizer(keras.optimizers.Adam, 0.001),
    "adamw": Optimizer(keras.optimizers.AdamW, 0.001, options=("weight_decay",)),
    "rmsprop": Optimizer(keras.optimizers.RMSprop, 0.001),
    "sgd": Optimizer(keras.optimizers.SGD, 0.01, options=("momentum",)),
}


def rate(section: Train) -> float:
    """Return the learning rate of the section, or the default of the optimizer if it is None."""
    return OPTIMIZERS[section.optimizer].rate if section.learning_rate is None else section.learning_rate


def build(section: Train) -> keras.optimizers.Optimizer:
    """Return the optimizer with the settings of the section; all others are the defaults of Keras."""
    chosen = OPTIMIZERS[section.optimizer]
    own = {name: getattr(section, name) for name in chosen.options}
    return chosen.make(learning_rate=rate(section), global_clipnorm=section.clip_norm, **own)


@dataclass(frozen=True)
class ScheduleRule:
    """A learning-rate schedule after the warm-up.

    share: function that returns the factor for the learning rate. Its arguments are the section, the fraction of epochs
    done and the list of validation losses; the last two count from the end of the warm-up.
    options: options of the section that this schedule reads.
    """

    share: Callable[[Schedule, float, Sequence[float]], float]
    options: tuple[str, ...] = ()


def rate_share(section: Schedule, epochs: int, losses: Sequence[float]) -> float:
    """Return the factor for the learning rate of the next epoch, from the validation losses of the epochs before it.

    epochs: their total number. During the first `warmup` epochs the factor rises linearly towards 1.
    """
    done = len(losses) - section.warmup
    if done < 0:
        return (len(losses) + 1) / (section.warmup + 1)
    return SCHEDULES[section.name].share(section, done / max(epochs - section.warmup, 1), losses[section.warmup :])


def _constant(section: Schedule, course: float, losses: Sequence[float]) -> float:
    return 1.0


def _step(section: Schedule, course: float, losses: Sequence[float]) -> float:
    """Multiply by `factor` after every `every` epochs, down to `floor`."""
    return max(section.floor, section.factor ** (len(losses) // section.every))


def _cosine(section: Schedule, course: float, losses: Sequence[float]) -> float:
    """Fall from 1 to `floor` along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    return section.floor + (1 - section.floor) * (1 + math.cos(math.pi * course)) / 2


def _plateau(section: Schedule, course: float, losses: Sequence[float]) -> float:
    """Multiply by `factor` whenever the loss has not improved for `every` epochs, down to `floor`."""
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
