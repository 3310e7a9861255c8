"""Everything that is not lung, painted in HU: skin, fat, muscle, bones, blood, airways, and the table below."""

import numpy as np

from tools.samples._drawing import Array, Grid, Point, ellipse, field, inside, paint, union
from tools.samples.ct.anatomy import Chest, heart

AIR, FAT, MUSCLE, MARROW, CORTEX = -1000.0, -105.0, 50.0, 180.0, 650.0


def wall(image: Array, chest: Chest, outline: Array, cage: Array, grid: Grid, rng: np.random.Generator) -> None:
    """Paint skin, fat and the muscles of the chest wall; `cage` are the distances to the lungs' outer wall."""
    edge = 1.5 * grid.pixel
    fibre = field(rng, grid.shape, 0.035 / grid.pixel)
    paint(image, inside(outline, edge), 20.0)
    paint(image, inside(outline + 0.014, edge), FAT + 12 * fibre)
    muscle = cage - 0.055
    for x in (-1.0, 1.0):
        muscle = union(muscle, ellipse(grid, (0.4 * x, -chest.depth + chest.fat + 0.1), (0.33, 0.05), -0.22 * x), 0.02)
        muscle = union(muscle, ellipse(grid, (0.17 * x, chest.depth - chest.fat - 0.1), (0.16, 0.085), 0.15 * x), 0.02)
        back = ellipse(grid, (0.62 * x, 0.55 * chest.depth - chest.fat), (0.28, 0.055), -0.75 * x)
        muscle = union(muscle, back, 0.02)
    muscle = np.maximum(muscle + 0.012 * fibre, outline + chest.fat * 0.8)
    paint(image, inside(muscle, 2 * edge), MUSCLE + 18 * fibre)


def mediastinum(image: Array, chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> None:
    """Paint heart, aorta, oesophagus and airways on the soft tissue between the lungs."""
    edge = 2 * grid.pixel
    if level > 0.35:
        centre, radii, angle = heart(chest, level)
        paint(image, inside(ellipse(grid, centre, (radii[0] * 0.94, radii[1] * 0.93), angle), 4 * edge), 45.0)
        for shift, share in ((-0.4, 0.4), (0.25, 0.5)):
            chamber = (centre[0] + shift * radii[0], centre[1] + 0.3 * shift * radii[1])
            distance = ellipse(grid, chamber, (radii[0] * share, radii[1] * 0.6), angle)
            paint(image, inside(distance, 0.06), chest.contrast)
    else:
        for x, y in ((0.03, -0.36), (-0.09, -0.33)):
            great = (x + rng.normal(0, 0.01), chest.spine[1] + y)
            paint(image, inside(ellipse(grid, great, (0.075, 0.065)), edge), chest.contrast)
    paint(image, inside(ellipse(grid, chest.descending, (chest.aorta,) * 2), edge), chest.contrast)
    _airways(image, chest, level, grid, rng)


def _airways(image: Array, chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> None:
    """Paint the trachea above the hilum, two main bronchi at it, and small bronchi below."""
    y = chest.spine[1] - rng.uniform(0.2, 0.25)
    tubes: list[tuple[Point, Point, float]] = []
    if level < 0.35:
        tubes = [((rng.normal(0, 0.015), y), (rng.uniform(0.05, 0.065), rng.uniform(0.045, 0.06)), 0.0)]
    elif level < 0.7:
        spread = 0.06 + 0.25 * (level - 0.35)
        tubes = [((x * spread, y), (rng.uniform(0.05, 0.07), rng.uniform(0.028, 0.036)), 0.35 * x) for x in (-1.0, 1.0)]
    for x in (-1.0, 1.0):
        for _ in range(int(rng.integers(1, 3))):
            place = (x * rng.uniform(0.2, 0.34), y + rng.uniform(-0.05, 0.1))
            tubes.append((place, (rng.uniform(0.012, 0.022), rng.uniform(0.01, 0.018)), rng.uniform(0, 3)))
    for centre, radii, angle in tubes:
        distance = ellipse(grid, centre, radii, angle)
        paint(image, inside(distance - 0.01, 1.5 * grid.pixel), 20.0)
        paint(image, inside(distance, 1.5 * grid.pixel), -980.0)


def bones(image: Array, chest: Chest, level: float, grid: Grid, rng: np.random.Generator) -> None:
    """Paint spine, sternum, ribs, and shoulder blades in the upper slices."""
    x, y = chest.spine
    _bone(image, grid, rng, (x, y + 0.015), (0.115, 0.092), 0.0)
    for side in (-1.0, 1.0):
        _bone(image, grid, rng, (0.075 * side, y + 0.15), (0.022, 0.062), 0.35 * side)
        _bone(image, grid, rng, (0.16 * side, y + 0.135), (0.085, 0.022), 0.3 * side)
    _bone(image, grid, rng, (x, y + 0.235), (0.018, 0.07), rng.normal(0, 0.06))
    paint(image, inside(ellipse(grid, (x, y + 0.145), (0.05, 0.043)), 2 * grid.pixel), 25.0)
    _bone(image, grid, rng, (rng.normal(0, 0.01), chest.front - 0.045), (rng.uniform(0.09, 0.14), 0.03), 0.0)
    _ribs(image, chest, grid, rng)
    if level < 0.5:
        for side in (-1.0, 1.0):
            blade = (side * rng.uniform(0.62, 0.68), 0.68 * chest.depth - chest.fat)
            _bone(image, grid, rng, blade, (rng.uniform(0.12, 0.17), 0.018), side * -rng.uniform(0.6, 0.8))


def _ribs(image: Array, chest: Chest, grid: Grid, rng: np.random.Generator) -> None:
    middle, height = (chest.front + chest.back) / 2, (chest.back - chest.front) / 2 + 0.035
    width = chest.side + 0.035
    for side in (-1.0, 1.0):
        start = rng.uniform(-1.15, -0.95)
        for turn in np.arange(start, 1.25, rng.uniform(0.36, 0.48)) + rng.normal(0, 0.03, 1):
            x, y = _on_superellipse(turn, width, height)
            ahead_x, ahead_y = _on_superellipse(turn + 0.02, width, height)
            angle = float(np.arctan2(ahead_y - y, ahead_x - x)) + rng.normal(0, 0.08)
            radii = (rng.uniform(0.05, 0.1), rng.uniform(0.016, 0.024))
            _bone(image, grid, rng, (side * x, middle + y), radii, side * angle)


def _on_superellipse(turn: float, width: float, height: float, power: float = 2.35) -> Point:
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    radius = (abs(cosine / width) ** power + abs(sine / height) ** power) ** (-1 / power)
    return radius * cosine, radius * sine


def _bone(image: Array, grid: Grid, rng: np.random.Generator, centre: Point, radii: Point, angle: float) -> None:
    """Paint a bone: a dense shell around marrow."""
    reach = max(radii) + 3 * grid.pixel
    rows, columns = grid.around((centre[0] - reach, centre[1] - reach), (centre[0] + reach, centre[1] + reach))
    part = Grid(grid.x[rows, columns], grid.y[rows, columns], grid.pixel)
    if not part.x.size:
        return
    distance = ellipse(part, centre, radii, angle) + 0.004 * field(rng, part.shape, 0.04 / grid.pixel)
    shell = rng.uniform(0.009, 0.014)
    paint(image[rows, columns], inside(distance, 1.5 * grid.pixel), CORTEX)
    marrow = MARROW + 70 * field(rng, part.shape, 0.03 / grid.pixel)
    paint(image[rows, columns], inside(distance + shell, 2 * grid.pixel), marrow)


def table(image: Array, chest: Chest, outline: Array, grid: Grid, rng: np.random.Generator) -> None:
    """Paint the table: a mattress, a shell below it; both curve up at the sides."""
    hollow = rng.uniform(0.08, 0.2)
    depth = grid.y + hollow * grid.x**2 - chest.depth
    outside = inside(-outline + 0.01, 2 * grid.pixel)
    for shift, thickness, density in ((0.035, 0.006, -720.0), (0.11, 0.009, -350.0), (0.19, 0.005, -650.0)):
        line = np.abs(depth - shift - rng.uniform(0, 0.02)) - thickness
        paint(image, inside(line, 1.5 * grid.pixel) * outside, density + rng.uniform(-80, 120))
