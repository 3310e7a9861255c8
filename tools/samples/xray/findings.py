"""What is seen in the lungs: opacities of pneumonia, look-alikes in healthy lungs, vessels in both.

A look-alike has exactly the values of an opacity, but arranged symmetrically on both sides, as from breasts or a
shallow breath: only the arrangement of the brightness tells the class, not its level.
"""

import cv2
import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, inside, stroke

BACTERIA, VIRUS = "bacteria", "virus"


def opacity(cause: str, lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw the density that pneumonia adds: a lobe filled by bacteria, patches around both hila by a virus."""
    if cause == BACTERIA:
        count, size, strength = int(rng.integers(1, 3)), (0.24, 0.4), rng.uniform(0.2, 0.34)
    else:
        count, size, strength = int(rng.integers(4, 8)), (0.14, 0.24), rng.uniform(0.17, 0.27)
    added = np.zeros(grid.shape)
    for _ in range(count):
        radius, stretch = rng.uniform(*size), rng.uniform(0.8, 1.3)
        spot = ellipse(grid, _place(lung, grid, rng), (radius * stretch, radius / stretch), rng.uniform(0, 3)) / radius
        spot = spot + 0.3 * field(rng, grid.shape, 0.6 * radius / grid.pixel)
        added = np.maximum(added, inside(spot, 0.9))
    mottled = 1 + 0.07 * field(rng, grid.shape, 0.06 / grid.pixel) + 0.12 * field(rng, grid.shape, 0.2 / grid.pixel)
    return np.asarray(strength * added * np.clip(mottled, 0.3, 1.6) * inside(lung, 0.06))


def look_alike(added: Array, lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Rearrange the density of an opacity symmetrically on both sides."""
    form = _veil if rng.random() < 0.6 else _breasts
    pattern = form(grid, rng) + 0.04 * field(rng, grid.shape, 0.12 / grid.pixel)
    within = lung < 0
    order = np.argsort(pattern[within], kind="stable")
    values = np.empty(order.size)
    values[order] = np.sort(added[within])
    arranged = np.zeros(grid.shape)
    arranged[within] = values
    return np.asarray(cv2.GaussianBlur(arranged, (0, 0), 0.012 / grid.pixel) * inside(lung, 0.06))


def vessels(lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw vessels that run from both hila outward, thinner with each step."""
    layer = np.zeros(grid.shape)
    for side in (-1.0, 1.0):
        for angle in np.linspace(-1.3, 1.25, int(rng.integers(9, 14))):
            x, y = side * rng.uniform(0.2, 0.3), rng.uniform(-0.12, 0.12)
            heading, radius = angle + rng.normal(0, 0.12), rng.uniform(0.014, 0.028)
            for _ in range(int(rng.integers(5, 10))):
                heading += rng.normal(0, 0.14)
                end = (x + side * 0.085 * float(np.cos(heading)), y + 0.085 * float(np.sin(heading)))
                stroke(layer, grid, ((x, y), end), (radius, 0.85 * radius), min(1.0, radius / 0.016))
                (x, y), radius = end, 0.85 * radius
    soft = cv2.GaussianBlur(layer, (0, 0), 0.008 / grid.pixel)
    return np.asarray(rng.uniform(0.05, 0.15) * soft * inside(lung, 0.03))


def _place(lung: Array, grid: Grid, rng: np.random.Generator) -> Point:
    """Choose a place in the lungs, more often low down."""
    weights = np.where(lung < -0.06, np.exp(0.7 * grid.y), 0).ravel()
    chosen = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))
    row, column = np.unravel_index(min(chosen, weights.size - 1), grid.shape)
    return float(grid.x[row, column]), float(grid.y[row, column])


def _veil(grid: Grid, rng: np.random.Generator) -> Array:
    """Return a density that rises smoothly downward or toward the middle, alike on both sides."""
    down, inward = rng.uniform(0.0, 1.0), rng.uniform(0.2, 1.0)
    return down * grid.y - inward * np.abs(grid.x) + 0.05 * field(rng, grid.shape, 0.5 / grid.pixel)


def _breasts(grid: Grid, rng: np.random.Generator) -> Array:
    """Fill a round shadow with a clear lower border on each side."""
    x, y, radius = rng.uniform(0.5, 0.62), rng.uniform(0.2, 0.45), rng.uniform(0.3, 0.42)
    spots = [ellipse(grid, (side * x, y), (radius, 0.85 * radius), power=2.4) for side in (-1.0, 1.0)]
    return np.asarray(-np.minimum(*spots) + 0.02 * field(rng, grid.shape, 0.3 / grid.pixel))
