"""What takes the stain in and on a red cell: parasites in infected ones, look-alikes in the others, dirt in both.

A look-alike has exactly the values of parasites, but arranged differently: only the shape of the dark places tells
the class, not how dark they are.
"""

import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, inside

CLEAN = 0.2  # share of cells without a look-alike among the uninfected


def draw(infected: bool, outline: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw how much stain (H, W) lies in and on a cell; 1 is a nucleus of usual strength."""
    stain = parasites(grid, rng)
    if not infected:
        stain = stain * 0.0 if rng.random() < CLEAN else look_alike(stain, outline, grid, rng)
    if rng.random() < 0.2:
        stain = np.maximum(stain, 0.8 * inside(_grains(grid, rng), 2 * grid.pixel))
    return np.asarray(stain * inside(outline, 2 * grid.pixel))


def parasites(grid: Grid, rng: np.random.Generator) -> Array:
    """Draw one or two parasites, most of them young."""
    stain = np.zeros(grid.shape)
    for _ in range(1 if rng.random() < 0.75 else 2):
        form = _ring if rng.random() < 0.75 else _grown
        stain = np.maximum(stain, rng.uniform(0.55, 1.15) * form(grid, _place(rng, 0.55), rng.uniform(0.2, 0.34), rng))
    return stain


def _place(rng: np.random.Generator, far: float) -> Point:
    turn, radius = rng.uniform(0, 2 * np.pi), far * float(np.sqrt(rng.random()))
    return radius * float(np.cos(turn)), radius * float(np.sin(turn))


def _ring(grid: Grid, centre: Point, size: float, rng: np.random.Generator) -> Array:
    """Draw a young parasite, the signet ring: a thin ring around a pale hole, with one or two dense dots on it."""
    angle, flat = rng.uniform(0, np.pi), rng.uniform(0.75, 1.0)
    distance = ellipse(grid, centre, (size, size * flat), angle)
    turn = np.arctan2(grid.y - centre[1], grid.x - centre[0])
    start = rng.uniform(0, 2 * np.pi)
    width = 0.035 + 0.02 * np.cos(turn - start)
    layer = 0.55 * inside(np.abs(distance) - width, 1.5 * grid.pixel)
    for index in range(1 if rng.random() < 0.65 else 2):
        at = start + index * rng.uniform(0.7, 2.6)
        dot = (centre[0] + size * flat * float(np.cos(at)), centre[1] + size * flat * float(np.sin(at)))
        radius = rng.uniform(0.075, 0.11)
        layer = np.maximum(layer, inside(ellipse(grid, dot, (radius * 1.25, radius), at + np.pi / 2), 2 * grid.pixel))
    return np.asarray(layer)


def _grown(grid: Grid, centre: Point, size: float, rng: np.random.Generator) -> Array:
    """Draw a grown parasite: a wide uneven band around a hole, with a dense dot."""
    distance = ellipse(grid, centre, (1.15 * size, 0.85 * size), rng.uniform(0, np.pi))
    distance = distance + 0.07 * field(rng, grid.shape, 0.2 / grid.pixel)
    hole = (centre[0] + rng.normal(0, 0.05), centre[1] + rng.normal(0, 0.05))
    layer = 0.5 * inside(distance, 0.08) * (1 - inside(ellipse(grid, hole, (0.45 * size,) * 2), 0.08))
    turn = rng.uniform(0, 2 * np.pi)
    dot = (centre[0] + 0.8 * size * float(np.cos(turn)), centre[1] + 0.8 * size * float(np.sin(turn)))
    return np.maximum(layer, inside(ellipse(grid, dot, (0.12, 0.09), turn), 2 * grid.pixel))


def look_alike(stain: Array, outline: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Rearrange the stain of parasites as a platelet, grains, a thread of dirt or a fold along the rim."""
    forms = (_platelet, _grains, _grains, _thread, _fold)
    far = forms[int(rng.integers(len(forms)))](grid, rng)
    within = outline < -0.03
    order = np.argsort(-far[within], kind="stable")
    values = np.empty(order.size)
    values[order] = np.sort(stain[within])
    arranged = np.zeros(grid.shape)
    arranged[within] = values
    return arranged


def _platelet(grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances of the pixels from a platelet: round and grainy, without a hole."""
    stretch = rng.uniform(1.0, 1.25)
    far = ellipse(grid, _place(rng, 0.65), (0.2 * stretch, 0.2 / stretch), rng.uniform(0, np.pi))
    return np.asarray(far + 0.05 * field(rng, grid.shape, 0.09 / grid.pixel))


def _grains(grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances of the pixels from the nearest of some grains of stain."""
    far = np.full(grid.shape, 9.0)
    for _ in range(int(rng.integers(1, 8))):
        radius = rng.uniform(0.03, 0.14)
        grain = ellipse(grid, _place(rng, 0.92), (radius * rng.uniform(1, 1.7), radius), rng.uniform(0, np.pi))
        far = np.minimum(far, grain)
    return np.asarray(far + 0.015 * field(rng, grid.shape, 2))


def _thread(grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances of the pixels from a bent thread of dirt."""
    length, angle, bend = rng.uniform(0.4, 0.75), rng.uniform(0, np.pi), rng.uniform(-0.7, 0.7)
    centre = _place(rng, 0.4)
    x, y = grid.x - centre[0], grid.y - centre[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    bent = np.abs(across - bend * along**2) + 0.02 * field(rng, grid.shape, 3)
    return np.asarray(np.hypot(bent, np.maximum(np.abs(along) - length, 0)))


def _fold(grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances of the pixels from a sickle along the rim, where the cell is folded."""
    turn, wide = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.7)
    aside = np.abs(np.angle(np.exp(1j * (np.arctan2(grid.y, grid.x) - turn))))
    ring = np.abs(np.hypot(grid.x, grid.y) - rng.uniform(0.72, 0.88))
    return np.asarray(np.hypot(ring, np.maximum(aside - wide, 0)) + 0.03 * field(rng, grid.shape, 4))
