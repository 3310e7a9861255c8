"""Bones in projection: a rib or clavicle is a tube, brighter at both edges than in its middle."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, inside
from tools.samples.xray.thorax import APEX, Thorax, cage


def draw(thorax: Thorax, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw the density (H, W) of spine, ribs, clavicles, shoulder blades and arms."""
    density = _spine(grid, rng)
    lean = rng.normal(0, 0.015)
    for side in (-1.0, 1.0):
        for index in range(10):
            _rib(density, side, APEX + 0.07 + index * thorax.ribs + lean * side, thorax, grid, rng)
        bow = rng.uniform(0.02, 0.07)
        steps = np.linspace(0, 1, 9)
        x, y = 0.1 + 0.78 * steps, -0.72 - 0.2 * steps + bow * np.sin(2 * np.pi * steps)
        _tube(density, list(zip(side * x, y + lean * side, strict=True)), 0.04, 0.13, grid)
        blade = ellipse(grid, (side * rng.uniform(0.92, 1.0), -0.45), (0.13, 0.36), side * rng.uniform(0.1, 0.35))
        density += 0.06 * inside(blade, 0.03) + 0.05 * inside(np.abs(blade) - 0.008, 2 * grid.pixel)
        ball = ellipse(grid, (side * 1.12, -0.83), (0.12, 0.14), 0.3 * side)
        density += 0.1 * inside(ball, 0.03)
    return density


def _spine(grid: Grid, rng: np.random.Generator) -> Array:
    """Draw the vertebrae, with gaps between them, and a spinous process in each."""
    bend, high = rng.normal(0, 0.02), rng.uniform(0.14, 0.17)
    x = grid.x - bend * np.sin(2 * grid.y)
    phase = np.abs((grid.y / high) % 1.0 - 0.5)
    column = inside(np.abs(x) - 0.115, 0.04)
    body = 0.75 + 0.25 * inside(phase - 0.38, 0.12)
    process = inside(np.hypot(x / 0.025, (phase - 0.2) / 0.22) - 1, 0.8)
    return np.asarray(0.12 * column * body + 0.04 * process * column)


def _rib(density: Array, side: float, top: float, thorax: Thorax, grid: Grid, rng: np.random.Generator) -> None:
    """Draw a rib: out from the spine, down along the side, and fainter back to the front."""
    steps = np.linspace(0, 1, 10)
    outer = float(cage(top + 0.55 * thorax.slope + 0.16))
    x = 0.09 + (outer - 0.09) * np.sin(steps * np.pi / 2) ** 0.9
    y = top - 0.05 * np.sin(np.pi * steps) + (thorax.slope + 0.12) * steps**2.2
    radius = rng.uniform(0.028, 0.034)
    _tube(density, list(zip(side * x, y, strict=True)), radius, 0.13, grid)
    reach = rng.uniform(0.45, 0.62)
    back = x[-1] - (x[-1] - 0.12) * reach * steps**1.2
    down = y[-1] + 0.03 + (0.16 + 0.5 * thorax.slope) * np.sin(steps * np.pi / 2)
    _tube(density, list(zip(side * back, down, strict=True)), radius * 0.95, 0.07, grid)


def _tube(density: Array, path: Sequence[Point], radius: float, strength: float, grid: Grid) -> None:
    """Add a tube of bone along a path."""
    reach = radius + 2 * grid.pixel
    xs, ys = [x for x, _ in path], [y for _, y in path]
    window = grid.around((min(xs) - reach, min(ys) - reach), (max(xs) + reach, max(ys) + reach))
    x, y = grid.x[window], grid.y[window]
    far = np.full(x.shape, 9.0)
    for (x0, y0), (x1, y1) in pairwise(path):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        far = np.minimum(far, np.hypot(x - x0 - along * dx, y - y0 - along * dy))
    outer, inner = inside(far - radius, 1.5 * grid.pixel), inside(far - 0.62 * radius, 1.5 * grid.pixel)
    density[window] += strength * (outer - 0.45 * inner)


def texture(grid: Grid, rng: np.random.Generator) -> Array:
    """Draw the fine pattern of soft tissue."""
    return 0.006 * field(rng, grid.shape, 0.05 / grid.pixel) + 0.012 * field(rng, grid.shape, 0.3 / grid.pixel)
