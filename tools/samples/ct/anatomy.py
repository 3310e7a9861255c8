"""A patient's chest: where its parts are, and the distances to body, lungs and mediastinum in one slice.

Lengths are in half body widths; the origin is the middle of the body, x to the right of the image (the
patient's left), y toward the back.
"""

from dataclasses import dataclass

import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, union


@dataclass(frozen=True)
class Chest:
    """What stays the same in all slices of a patient."""

    depth: float  # half of the body, front to back
    power: float  # of the superellipse: 2 is an ellipse, more is boxier
    fat: float  # thickness below the skin
    wall: float  # from fat to lung, at the sides
    breasts: float  # how far they stand out, 0 for none
    heart: float  # size, 1 is usual
    aorta: float  # radius
    lung: float  # density of healthy lung in HU
    contrast: float  # density of blood in HU

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Chest":
        """Draw a patient."""
        return cls(
            depth=rng.uniform(0.62, 0.76),
            power=rng.uniform(2.15, 2.7),
            fat=rng.uniform(0.025, 0.085),
            wall=rng.uniform(0.1, 0.15),
            breasts=rng.uniform(0.03, 0.09) if rng.random() < 0.35 else 0.0,
            heart=rng.uniform(0.85, 1.15),
            aorta=rng.uniform(0.06, 0.085),
            lung=rng.uniform(-880, -770),
            contrast=rng.uniform(30, 60) if rng.random() < 0.6 else rng.uniform(120, 260),
        )

    @property
    def front(self) -> float:
        return -self.depth + self.fat + 0.1

    @property
    def back(self) -> float:
        return self.depth - self.fat - 0.13

    @property
    def side(self) -> float:
        return 1 - self.fat - self.wall

    @property
    def spine(self) -> Point:
        return (0.0, self.back - 0.13)

    @property
    def descending(self) -> Point:
        """The position of the descending aorta: left of the spine."""
        return (0.14, self.spine[1] - 0.13)


def body(chest: Chest, grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to the skin."""
    outline = ellipse(grid, (0, 0), (1, chest.depth), power=chest.power)
    turn = np.arctan2(grid.y, grid.x)
    for waves in (2, 3, 5):
        outline = outline + rng.normal(0, 0.012) * np.cos(waves * turn + rng.uniform(0, 6.3))
    if chest.breasts:
        for x in (-0.45, 0.45):
            outline = union(outline, ellipse(grid, (x, -chest.depth + 0.08), (0.33, 0.12 + chest.breasts)), 0.08)
    return outline


def lungs(chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the distances to the lungs and to the mediastinum; level runs from 0 (aortic arch) to 1 (heart)."""
    width = chest.side * (0.9 + 0.1 * min(1.0, level * 2))
    cavity = ellipse(grid, (0, (chest.front + chest.back) / 2), (width, (chest.back - chest.front) / 2), power=2.35)
    middle = _mediastinum(chest, level, grid, rng)
    ripple = 0.011 * field(rng, grid.shape, 0.22 / grid.pixel) + 0.004 * field(rng, grid.shape, 0.06 / grid.pixel)
    middle = middle + ripple
    blocked = union(middle, _liver(chest, level, grid, rng), 0.02) if level > 0.85 else middle
    return -union(-(cavity + 0.4 * ripple), blocked, 0.045), middle


def _mediastinum(chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to heart, great vessels and spine, joined in one shape."""
    reach = chest.spine[1] - chest.front
    stations = chest.front + reach * np.array([-0.2, 0.0, 0.15, 0.35, 0.6, 0.85, 1.0, 1.3])
    arch = np.array([0.05, 0.03, 0.05, 0.15, 0.18, 0.13, 0.16, 0.2])
    hilum = np.array([0.05, 0.03, 0.08, 0.2, 0.21, 0.13, 0.16, 0.2])
    base = np.array([0.05, 0.05, 0.12, 0.16, 0.13, 0.11, 0.16, 0.2])
    low, high, share = (arch, hilum, level * 2) if level < 0.5 else (hilum, base, level * 2 - 1)
    widths = (low + (high - low) * share) * rng.uniform(0.88, 1.15)
    lean = rng.normal(0.015, 0.02)
    column = 0.85 * (np.abs(grid.x - lean) - np.interp(grid.y, stations, widths))
    vertebra = ellipse(grid, (0, chest.spine[1] + 0.06), (0.19, 0.2))
    shape = union(column, vertebra, 0.05)
    shape = union(shape, ellipse(grid, chest.descending, (chest.aorta + 0.015,) * 2), 0.03)
    if level > 0.35:
        shape = union(shape, ellipse(grid, *heart(chest, level)), 0.05)
    elif level < 0.3:
        shape = union(shape, ellipse(grid, (0.1, chest.front + 0.45 * reach), (0.16, 0.1), 0.9), 0.04)
    return shape


def heart(chest: Chest, level: float) -> tuple[Point, Point, float]:
    """Place the heart in a slice: centre, radii and angle of an ellipse."""
    size = chest.heart * (0.55 + 0.45 * min(1.0, (level - 0.3) / 0.45))
    reach = chest.spine[1] - chest.front
    return (0.06 + 0.08 * size, chest.front + (0.3 + 0.14 * size) * reach), (0.33 * size, 0.25 * size), 0.45


def _liver(chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to the dome of the liver, which enters the right lung from below."""
    size = (level - 0.8) * rng.uniform(0.8, 1.3)
    return ellipse(grid, (-0.45 * chest.side - 0.02, 0.02 + chest.front * 0.1), (0.3 * size + 0.14, 0.26 * size + 0.12))
