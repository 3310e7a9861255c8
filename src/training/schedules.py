"""The learning rate of an epoch; it follows from the epochs before, so a training can be taken up anywhere."""

import math
from collections.abc import Sequence

from src.params import Schedule


def share(section: Schedule, epochs: int, losses: Sequence[float]) -> float:
    """Give the learning rate as a share of the given one, for the epoch after those with these validation losses.

    epochs: how many there will be in all. After a linear warm-up the rate stays (constant), is multiplied by
    `factor` after each `every` epochs (step), falls along half a cosine (Loshchilov and Hutter 2017,
    arXiv:1608.03983), or is multiplied by `factor` whenever `every` epochs have brought no better loss (plateau).
    """
    done = len(losses) - section.warmup
    if done < 0:
        return (len(losses) + 1) / (section.warmup + 1)
    match section.name:
        case "step":
            return max(section.floor, section.factor ** (done // section.every))
        case "cosine":
            course = done / max(epochs - section.warmup, 1)
            return section.floor + (1 - section.floor) * (1 + math.cos(math.pi * course)) / 2
        case "plateau":
            return max(section.floor, section.factor ** _drops(losses[section.warmup :], section.every))
        case _:
            return 1.0


def _drops(losses: Sequence[float], patience: int) -> int:
    """Count how often the loss has not become better for so many epochs since it did or since the last drop."""
    best, waited, drops = math.inf, 0, 0
    for loss in losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            drops, waited = drops + 1, 0
    return drops
