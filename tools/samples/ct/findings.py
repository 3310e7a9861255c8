"""What is seen in the lungs: ground glass in the positive class, look-alikes in the other, and more in both.

The look-alike of ground glass has exactly the same values, but arranged in fine sharp structures instead of haze:
only the arrangement of the brightness tells the class, not its level.
"""

import cv2
import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, inside, paint
from tools.samples.ct.anatomy import Chest

SOFT_TISSUE = 35.0


def place(chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator) -> Point:
    """Choose where a finding stands: inside a lung, more often near the wall and toward the back."""
    toward_wall = np.clip(np.abs(grid.x) / chest.side, 0, 1) + 0.7 * np.clip(grid.y / chest.back, -1, 1)
    weights = np.where(lung < -0.03, np.exp(1.6 * toward_wall), 0).ravel()
    chosen = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))
    row, column = np.unravel_index(min(chosen, weights.size - 1), grid.shape)
    return float(grid.x[row, column]), float(grid.y[row, column])


def ground_glass(chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw the density that hazy patches with faded edges add, in HU; vessels stay visible through them."""
    added = np.zeros(grid.shape)
    for _ in range(int(rng.integers(2, 5))):
        patch = _blot(grid, rng, place(chest, lung, grid, rng), rng.uniform(0.12, 0.24), 0.55, 0.4)
        fine, coarse = (field(rng, grid.shape, grain / grid.pixel) for grain in (0.025, 0.06))
        added = np.maximum(added, rng.uniform(260, 400) * patch * np.clip(1 + 0.25 * fine + 0.18 * coarse, 0.2, 1.8))
    return added


def look_alike(added: Array, lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Rearrange the density of a ground glass as many small nodules or a net of scars, in the same region."""
    if rng.random() < 0.5:
        pattern = field(rng, grid.shape, rng.uniform(0.04, 0.06) / grid.pixel)
    else:
        pattern = 0.6 - 1.8 * np.abs(field(rng, grid.shape, rng.uniform(0.06, 0.09) / grid.pixel))
    region = cv2.GaussianBlur(added, (0, 0), 0.08 / grid.pixel)
    within = lung < 0
    order = np.argsort((pattern + 1.2 * region / region.max())[within], kind="stable")
    values = np.empty(order.size)
    values[order] = np.sort(added[within])
    arranged = np.zeros(grid.shape)
    arranged[within] = values
    return arranged


def consolidation(image: Array, chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator, mass: float) -> None:
    """Fill patches of lung with soft tissue up to a sharp edge, which hides the vessels."""
    count = int(rng.integers(1, 4))
    for share in rng.dirichlet(np.full(count, 4.0)):
        radius = float(np.sqrt(share * mass / (-chest.lung * np.pi)))
        patch = _blot(grid, rng, place(chest, lung, grid, rng), radius, 0.0, 0.3)
        paint(image, patch, SOFT_TISSUE + 12 * field(rng, grid.shape, 0.04 / grid.pixel))


def nodules(image: Array, chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator, mass: float) -> None:
    """Add round, dense, sharp spots of a few sizes."""
    count = int(rng.integers(3, 10))
    for share in rng.dirichlet(np.full(count, 3.0)):
        radius = float(np.sqrt(share * mass / (-chest.lung * np.pi)))
        spot = ellipse(grid, place(chest, lung, grid, rng), (radius, radius * rng.uniform(0.8, 1)), rng.uniform(0, 3))
        paint(image, inside(spot, 1.5 * grid.pixel), SOFT_TISSUE)


def effusion(image: Array, chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator, mass: float) -> None:
    """Collect fluid at the back of one or both pleural cavities, up to a nearly level surface."""
    sides = (-1.0, 1.0) if rng.random() < 0.4 else (rng.choice([-1.0, 1.0]),)
    for side in sides:
        area = mass / (-chest.lung * len(sides))
        column = np.where((lung < 0) & (grid.x * side > 0), 1.0, 0.0).sum(axis=1) * grid.pixel**2
        filled = np.cumsum(column[::-1])[::-1]
        surface = float(grid.y[np.count_nonzero(filled > area) - 1, 0])
        wave = 0.006 * field(rng, grid.shape, 0.1 / grid.pixel) - 0.12 * (np.abs(grid.x) - 0.45) ** 2
        level = surface - grid.y + wave
        paint(image, inside(level, 2 * grid.pixel) * inside(-side * grid.x, grid.pixel), 15.0)


def dense(image: Array, chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator) -> None:
    """Add one of the dense, sharply bordered findings, of either class; mass is HU times squared lengths."""
    choices = (consolidation, nodules, effusion)
    choices[int(rng.integers(len(choices)))](image, chest, lung, grid, rng, rng.uniform(12, 70))


def haze(image: Array, chest: Chest, grid: Grid, rng: np.random.Generator) -> None:
    """Raise the density smoothly toward the back and a little on one side, as after a shallow breath."""
    slope = 0.5 + 0.5 * grid.y / chest.depth + rng.normal(0, 0.25) * grid.x
    image += rng.uniform(0, 130) * np.clip(slope, 0, 1.5)


def emphysema(image: Array, chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator) -> None:
    """Dig holes of trapped air into both lungs."""
    for _ in range(int(rng.integers(8, 30))):
        hole = _blot(grid, rng, place(chest, lung, grid, rng), rng.uniform(0.015, 0.05), 0.15, 0.3)
        paint(image, hole * 0.8, -985.0)


def bands(image: Array, chest: Chest, lung: Array, grid: Grid, rng: np.random.Generator) -> None:
    """Draw thin scars or a thickened pleura: sharp lines."""
    for _ in range(int(rng.integers(1, 4))):
        line = ellipse(grid, place(chest, lung, grid, rng), (rng.uniform(0.05, 0.14), 0.007), rng.uniform(0, np.pi))
        paint(image, inside(line, 1.5 * grid.pixel), -100.0)


def _blot(grid: Grid, rng: np.random.Generator, centre: Point, radius: float, fade: float, ragged: float) -> Array:
    """Cover an irregular spot; `fade` is the width of its edge in radii, `ragged` how far the edge wanders."""
    stretch = rng.uniform(0.75, 1.35)
    distance = ellipse(grid, centre, (radius * stretch, radius / stretch), rng.uniform(0, np.pi)) / radius
    distance = distance + ragged * field(rng, grid.shape, radius * 0.8 / grid.pixel)
    return inside(distance, max(2 * fade, 1.5 * grid.pixel / radius))
