"""Vessels and airways of the lungs: trees that run from the hilum outward, and dots where they cross the slice."""

from collections.abc import Iterator

import numpy as np

from tools.samples._drawing import Array, Grid, Point, stroke
from tools.samples.ct.anatomy import Chest

STEP = 0.045
Segment = tuple[tuple[Point, Point], Point, float]


def draw(chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw how much of each pixel is vessel, 0..1, in and around both lungs."""
    layer = np.zeros(grid.shape)
    for side in (-1.0, 1.0):
        hilum = (side * rng.uniform(0.2, 0.26), chest.spine[1] - rng.uniform(0.26, 0.34))
        size = rng.uniform(0.8, 1.1) * (1.15 - 0.3 * abs(level - 0.5))
        for angle in np.linspace(-1.35, 1.35, int(rng.integers(4, 7))) + rng.normal(0, 0.12, 1):
            heading = angle if side > 0 else np.pi - angle
            for ends, radii, value in _branch(rng, hilum, heading, 0.019 * size * rng.uniform(0.5, 1.1), 0):
                stroke(layer, grid, ends, radii, value)
        for ends, radii, value in _dots(chest, side, rng):
            stroke(layer, grid, ends, radii, value)
    return layer


def _branch(rng: np.random.Generator, start: Point, heading: float, radius: float, depth: int) -> Iterator[Segment]:
    """Grow outward from `start`, thinner with each step, and split now and then.

    A vessel also rises and sinks, so that only the part of it within the slice is seen.
    """
    height, climb, bend = rng.normal(0, 0.6), rng.normal(0, 0.25), rng.normal(0, 0.04)
    for _ in range(int(rng.integers(5, 15))):
        heading, height = heading + bend + rng.normal(0, 0.12), height + climb
        end = (start[0] + STEP * float(np.cos(heading)), start[1] + STEP * float(np.sin(heading)))
        thinner = radius * 0.9
        seen = float(np.exp(-(height**2)))
        if seen > 0.15:
            yield (start, end), (radius, thinner), seen
        start, radius = end, thinner
        if radius < 0.0022 or abs(start[0]) > 0.9 or abs(start[1]) > 0.7:
            return
        if depth < 3 and rng.random() < 0.27:
            turn = rng.uniform(0.35, 0.85) * rng.choice([-1.0, 1.0])
            yield from _branch(rng, start, heading + turn, radius * rng.uniform(0.55, 0.85), depth + 1)


def _dots(chest: Chest, side: float, rng: np.random.Generator) -> Iterator[Segment]:
    """Scatter vessels that run through the slice: short strokes, larger ones near the hilum."""
    for _ in range(int(rng.integers(50, 110))):
        x = side * rng.uniform(0.15, chest.side)
        y = rng.uniform(chest.front, chest.back)
        radius = 0.012 * (1.15 - abs(x)) * rng.uniform(0.3, 1.0)
        length, heading = rng.exponential(0.012), rng.uniform(0, np.pi)
        end = (x + length * float(np.cos(heading)), y + length * float(np.sin(heading)))
        yield ((x, y), end), (radius, radius * 0.8), rng.uniform(0.4, 1.0)
