"""One white blood cell: the shape of its nucleus tells the kind, and what fills its body.

Lengths are micrometres. The darkness of the nucleus has the same distribution for all kinds, and its area nearly so:
neither tells the kind.
"""

from dataclasses import dataclass

import numpy as np

from tools.samples._drawing import Array, Colour, Grid, Point, ellipse, field, inside, union

AZURE: Colour = (0.62, 0.92, 0.16)  # optical density of a nucleus
BODIES: dict[str, Colour] = {
    "EOSINOPHIL": (0.05, 0.2, 0.13),
    "LYMPHOCYTE": (0.34, 0.26, 0.02),
    "MONOCYTE": (0.26, 0.27, 0.09),
    "NEUTROPHIL": (0.07, 0.19, 0.07),
}
SHARES = {"EOSINOPHIL": 0.46, "LYMPHOCYTE": 0.82, "MONOCYTE": 0.52, "NEUTROPHIL": 0.42}  # of the nucleus in the cell
GRANULE: Colour = (0.14, 0.5, 0.33)
SIZES = {"EOSINOPHIL": 0.95, "LYMPHOCYTE": 1.0, "MONOCYTE": 1.25, "NEUTROPHIL": 0.95}  # of the nucleus


@dataclass(frozen=True)
class WhiteCell:
    """What a white cell is, where it lies and how large it is."""

    kind: str
    centre: Point
    area: float  # of the nucleus, in square micrometres
    stain: float

    @classmethod
    def of(cls, kind: str, centre: Point, rng: np.random.Generator) -> "WhiteCell":
        """Draw a cell of a kind."""
        return cls(kind, centre, SIZES[kind] * rng.uniform(46, 72), rng.uniform(0.75, 1.3))

    @property
    def radius(self) -> float:
        return float(np.sqrt(self.area / SHARES[self.kind] / np.pi))


def density(cell: WhiteCell, grid: Grid, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw a cell's optical density (H, W, 3), and how far (H, W) it covers what lies below."""
    shape = nucleus(cell, grid, rng)
    ragged = 0.07 if cell.kind == "MONOCYTE" else 0.03
    outline = ellipse(grid, cell.centre, (cell.radius * rng.uniform(0.96, 1.08), cell.radius), rng.uniform(0, 3))
    outline = outline + ragged * cell.radius * field(rng, grid.shape, 2.5 / grid.pixel)
    outline = union(outline, shape - 0.35, 0.5)
    layer = np.zeros((*grid.shape, 3))
    body, soft = inside(outline, 2 * grid.pixel), inside(shape, 2 * grid.pixel)
    layer += (body * (1 - soft) * cell.stain)[..., None] * _body(cell, grid, rng)
    chromatin = 1 + 0.16 * field(rng, grid.shape, 0.9 / grid.pixel) + 0.1 * field(rng, grid.shape, 2.2 / grid.pixel)
    layer += (soft * cell.stain * chromatin)[..., None] * np.array(AZURE)
    return layer, body


def _body(cell: WhiteCell, grid: Grid, rng: np.random.Generator) -> Array:
    """Fill the cell around its nucleus: orange granules, fine dust, or a smooth blue with or without vacuoles."""
    fine = field(rng, grid.shape, 0.55 / grid.pixel)
    filled = np.array(BODIES[cell.kind]) * (1 + 0.12 * fine)[..., None]
    if cell.kind == "EOSINOPHIL":
        filled += np.clip(0.75 + 0.7 * field(rng, grid.shape, 0.85 / grid.pixel), 0, 1.5)[..., None] * np.array(GRANULE)
    elif cell.kind == "NEUTROPHIL":
        filled *= (1 + 0.3 * fine)[..., None]
    elif cell.kind == "MONOCYTE":
        for _ in range(int(rng.integers(2, 9))):
            turn, far = rng.uniform(0, 2 * np.pi), cell.radius * rng.uniform(0.5, 0.95)
            hole = (cell.centre[0] + far * float(np.cos(turn)), cell.centre[1] + far * float(np.sin(turn)))
            filled *= (1 - 0.8 * inside(ellipse(grid, hole, (rng.uniform(0.3, 0.6),) * 2), 1.5 * grid.pixel))[..., None]
    return np.asarray(filled)


def nucleus(cell: WhiteCell, grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to the nucleus: round, kidney, two lobes, or a chain of three to five."""
    turn, radius = rng.uniform(0, 2 * np.pi), float(np.sqrt(cell.area / np.pi))
    if cell.kind == "LYMPHOCYTE":
        shape = ellipse(grid, cell.centre, (radius * rng.uniform(1.0, 1.1), radius * rng.uniform(0.9, 1.0)), turn)
        return np.asarray(shape + 0.1 * field(rng, grid.shape, 3 / grid.pixel))
    if cell.kind == "MONOCYTE":
        shape = ellipse(grid, cell.centre, (1.28 * radius, radius), turn)
        shape = shape + 0.25 * field(rng, grid.shape, 3 / grid.pixel)
        notch = (cell.centre[0] - radius * float(np.sin(turn)), cell.centre[1] + radius * float(np.cos(turn)))
        bite = ellipse(grid, notch, (0.5 * radius, rng.uniform(0.5, 0.85) * radius), turn)
        return -union(-shape, bite, 0.6)
    lobes = 2 if cell.kind == "EOSINOPHIL" else int(rng.integers(3, 6))
    return _chain(cell.centre, lobes, radius / float(np.sqrt(lobes)), grid, rng)


def _chain(centre: Point, lobes: int, radius: float, grid: Grid, rng: np.random.Generator) -> Array:
    """Lay lobes along an arc around the centre, joined by thin strands."""
    step = 2.0 * radius
    bend = 2 * float(np.arcsin(min(1.0, step / (2 * max(1.45 * radius, 0.3 * lobes * radius)))))
    heading, x, y = rng.uniform(0, 2 * np.pi), 0.0, 0.0
    places = [(x, y)]
    for _ in range(lobes - 1):
        x, y = x + step * float(np.cos(heading)), y + step * float(np.sin(heading))
        places.append((x, y))
        heading += bend * rng.uniform(0.6, 1.0)
    middle = np.mean(places, axis=0)
    shape = np.full(grid.shape, 99.0)
    for x, y in places:
        place = (centre[0] + x - float(middle[0]), centre[1] + y - float(middle[1]))
        radii = (radius * rng.uniform(1.0, 1.18), radius * rng.uniform(0.86, 1.0))
        shape = union(shape, ellipse(grid, place, radii, rng.uniform(0, np.pi)), 0.35)
    return np.asarray(shape + 0.08 * field(rng, grid.shape, 1.5 / grid.pixel))
