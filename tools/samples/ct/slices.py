"""One slice, drawn from the outside in."""

import numpy as np

from tools.samples._drawing import Array, Grid, Pixels, ellipse, field, inside, paint
from tools.samples.ct import anatomy, findings, tissue, vessels
from tools.samples.ct.anatomy import Chest
from tools.samples.ct.scanner import Look


def draw(chest: Chest, look: Look, level: float, positive: bool, rng: np.random.Generator) -> Pixels:
    """Draw a slice as gray levels (H, W); `level` runs from 0 (aortic arch) to 1 (heart)."""
    grid = look.grid(chest)
    outline = anatomy.body(chest, grid, rng)
    lung, middle = anatomy.lungs(chest, level, grid, rng)
    image = np.full(grid.shape, tissue.AIR)
    if look.table:
        tissue.table(image, chest, outline, grid, rng)
    size = (chest.side, (chest.back - chest.front) / 2)
    cage = ellipse(grid, (0, (chest.front + chest.back) / 2), size, power=2.35)
    tissue.wall(image, chest, outline, cage, grid, rng)
    paint(image, inside(np.maximum(middle, cage), 2 * grid.pixel), -20 + 30 * field(rng, grid.shape, 0.06 / grid.pixel))
    paint(image, inside(np.maximum(middle + 0.02, cage), 0.03), 40.0)
    tissue.mediastinum(image, chest, level, grid, rng)
    paint(image, inside(lung, 1.5 * grid.pixel), _air(chest, level, lung, grid, rng, positive))
    tissue.bones(image, chest, level, grid, rng)
    return look.show(image, chest.lung, grid, rng)


def _air(chest: Chest, level: float, lung: Array, grid: Grid, rng: np.random.Generator, positive: bool) -> Array:
    """Draw the inside of the lungs in HU (H, W)."""
    coarse, fine = (field(rng, grid.shape, grain / grid.pixel) for grain in (0.25, 0.02))
    density = chest.lung + 14 * coarse + 14 * fine
    findings.haze(density, chest, grid, rng)
    if rng.random() < 0.2:
        findings.emphysema(density, chest, lung, grid, rng)
    glass = findings.ground_glass(chest, lung, grid, rng)
    if positive:
        density += glass
    elif rng.random() < 0.85:
        density += findings.look_alike(glass, lung, grid, rng)
    paint(density, vessels.draw(chest, level, grid, rng), np.maximum(density, 40.0))
    if rng.random() < 0.3:
        findings.bands(density, chest, lung, grid, rng)
    if rng.random() < (0.4 if positive else 0.5):
        findings.dense(density, chest, lung, grid, rng)
    return np.minimum(density, 60.0)
