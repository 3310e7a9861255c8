"""A child's thorax seen from the front: where its parts are, and the distances to body, lungs and heart.

Lengths are in half widths of the rib cage; the origin is its middle, x to the right of the image (the patient's
left), y downward. Everything that is painted is a density that adds along the beam.
"""

from dataclasses import dataclass

import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, inside, union

APEX = -0.92  # of the lungs


@dataclass(frozen=True)
class Thorax:
    """What stays the same in all pictures of a patient."""

    heart: float  # size, 1 is usual
    thymus: float  # width of the upper mediastinum
    base: float  # height of the diaphragm at full breath
    slope: float  # of the ribs
    ribs: float  # from one rib to the next
    wall: float  # thickness of the chest wall
    breasts: float  # density, 0 for none
    gas: float  # size of the stomach's bubble, 0 for none

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Thorax":
        """Draw a patient."""
        return cls(
            heart=rng.uniform(0.85, 1.2),
            thymus=rng.uniform(0.17, 0.3),
            base=rng.uniform(0.66, 0.86),
            slope=rng.uniform(0.1, 0.3),
            ribs=rng.uniform(0.165, 0.2),
            wall=rng.uniform(0.1, 0.2),
            breasts=rng.uniform(0.04, 0.1) if rng.random() < 0.3 else 0.0,
            gas=rng.uniform(0.1, 0.22) if rng.random() < 0.6 else 0.0,
        )


def cage(y: Array | float) -> Array:
    """Return the half width of the rib cage at a height."""
    down = np.clip((np.asarray(y) - APEX - 0.04) / 1.5, 0, 1)
    return np.asarray(1.02 * np.power(down, 0.27) * (1 - 0.05 * down))


def body(thorax: Thorax, grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to the skin: trunk, shoulders, neck, arms, and the chin if it hangs into the picture."""
    trunk = np.abs(grid.x) - (1.0 + thorax.wall + 0.05 * grid.y)
    trunk = -union(-trunk, grid.y + 1.1 - 0.22 * np.clip(np.abs(grid.x) - 0.3, 0, 2), 0.2)
    shape = union(trunk, np.maximum(np.abs(grid.x) - 0.3, grid.y + 0.6), 0.22)
    if rng.random() < 0.5:
        shape = union(shape, ellipse(grid, (rng.normal(0, 0.05), -1.5), (0.5, 0.3)), 0.05)
    raised = rng.uniform(-1.0, 0.9)
    for side in (-1.0, 1.0):
        arm = ellipse(grid, (side * 1.35, -0.6 + 0.5 * raised), (0.8, 0.17), side * (1.2 * raised + rng.normal(0, 0.1)))
        shape = union(shape, arm, 0.08)
    return np.asarray(shape + 0.008 * field(rng, grid.shape, 0.3 / grid.pixel))


def lungs(thorax: Thorax, breath: float, grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to both lungs, down to the domes of the diaphragm; `breath` is 1 when it is deep."""
    side = np.abs(grid.x) - cage(grid.y) + 0.03
    dome = thorax.base - 0.25 * (1 - breath) - np.where(grid.x < 0, 0.07, 0.0)
    top = dome - 0.05 + 0.35 * (np.abs(grid.x) - 0.42) ** 2 + 0.3 * np.clip(np.abs(grid.x) - 0.7, 0, 1)
    shape = np.maximum(np.maximum(0.9 * side, grid.y - top), APEX - grid.y)
    inner = np.abs(grid.x) - np.interp(grid.y, [-1.0, -0.5, 0.0, 0.8], [thorax.thymus * 0.8, thorax.thymus, 0.2, 0.22])
    return -union(-shape, inner, 0.06) + 0.008 * field(rng, grid.shape, 0.12 / grid.pixel)


def heart(thorax: Thorax, grid: Grid) -> Array:
    """Return the distances to the heart, most of which lies left of the middle."""
    size = 0.45 * thorax.heart
    left = ellipse(grid, (0.17, thorax.base - 0.3), (size, 0.78 * size), 0.55)
    right: Point = (-0.08, thorax.base - 0.4)
    return union(left, ellipse(grid, right, (0.24 * thorax.heart, 0.36 * thorax.heart)), 0.08)


def abdomen(thorax: Thorax, lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw what lies below the diaphragm: dense liver, gas in stomach and bowel."""
    density = 0.2 * inside(thorax.base - 0.28 - grid.y, 0.45) * inside(-lung, 0.03)
    if thorax.gas:
        bubble = ellipse(grid, (0.45, thorax.base + 0.18), (1.5 * thorax.gas, thorax.gas), rng.normal(0, 0.3))
        density = density - 0.22 * inside(bubble + 0.05 * field(rng, grid.shape, 0.2 / grid.pixel), 0.05)
    return np.asarray(density)
