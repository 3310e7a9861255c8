"""The learning rate of an epoch; it follows from the epochs before, so a training can be taken up anywhere."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from src.config import Schedule


@dataclass(frozen=True)
class ScheduleRule:
    """How a schedule goes on after the warm-up: its share of the rate, and which options of the section it reads.

    share: of the section, the share of the epochs that are done, and the validation losses, both since the warm-up.
    """

    share: Callable[[Schedule, float, Sequence[float]], float]
    options: tuple[str, ...] = ()


def share(section: Schedule, epochs: int, losses: Sequence[float]) -> float:
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
    """Count how often the loss has not become better for so many epochs since it did or since the last drop."""
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
