"""One field of a stained blood smear: red cells, platelets and a white cell, in transmitted light.

Lengths are micrometres; the origin is the middle of the picture. Stains absorb light, so that their optical
densities add where cells overlap.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from tools.samples._drawing import Array, Colour, Grid, Pixels, Point, ellipse, field, inside, scattered, stained
from tools.samples.blood import white_cell
from tools.samples.blood.white_cell import WhiteCell

WIDTH, HEIGHT = 160, 120
EOSIN = np.array([0.09, 0.31, 0.28])
PLATELET: Colour = (0.3, 0.42, 0.08)


@dataclass(frozen=True)
class Look:
    """How a slide was smeared, stained and photographed, independent of the class."""

    pixel: float  # micrometres
    light: Colour
    eosin: Colour  # optical density of a red cell
    pallor: float  # how much paler their middle is
    crowd: int  # tries to place a red cell
    platelets: int
    shade: float  # unevenness of the light
    blur: float  # pixels
    noise: float  # gray levels

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Look":
        """Draw a slide."""
        tone = rng.uniform(200, 226)
        eosin = EOSIN * rng.uniform(0.75, 1.25) * rng.uniform(0.85, 1.15, 3)
        return cls(
            pixel=rng.uniform(0.29, 0.36),
            light=(tone + rng.normal(0, 4), tone * rng.uniform(0.96, 1.0), tone * rng.uniform(0.9, 1.0)),
            eosin=(eosin[0], eosin[1], eosin[2]),
            pallor=rng.uniform(0.5, 0.9),
            crowd=int(rng.integers(30, 140)),
            platelets=int(rng.integers(0, 8)),
            shade=rng.uniform(0, 0.05),
            blur=rng.uniform(0.35, 0.75),
            noise=rng.uniform(0.5, 2.0),
        )


def draw(kind: str, rng: np.random.Generator) -> Pixels:
    """Draw a slide (H, W, 3) that shows one white cell of a kind."""
    look = Look.of(rng)
    grid = Grid.of(WIDTH, HEIGHT, look.pixel, (WIDTH / 2, HEIGHT / 2))
    wide, high = WIDTH / 2 * look.pixel, HEIGHT / 2 * look.pixel
    cell = WhiteCell.of(kind, (rng.uniform(-0.6, 0.6) * wide, rng.uniform(-0.5, 0.5) * high), rng)
    density = np.zeros((*grid.shape, 3))
    for place in scattered(rng, (-wide - 2, -high - 2), (wide + 2, high + 2), (4.0, 8.5), look.crowd):
        if np.hypot(place[0] - cell.centre[0], place[1] - cell.centre[1]) > cell.radius + rng.uniform(1.5, 4):
            _red_cell(density, place, look, grid, rng)
    for _ in range(look.platelets):
        _platelet(density, (rng.uniform(-wide, wide), rng.uniform(-high, high)), grid, rng)
    layer, body = white_cell.density(cell, grid, rng)
    density *= (1 - body)[..., None]
    density += layer
    density += (look.shade * field(rng, grid.shape, WIDTH))[..., None]
    shown = stained(look.light, density).astype(np.float64) + look.noise * field(rng, grid.shape, 1.0)[..., None]
    blurred = cv2.GaussianBlur(shown, (0, 0), look.blur)
    return np.asarray(np.rint(np.clip(blurred, 0, 255)), np.uint8)


def _red_cell(density: Array, centre: Point, look: Look, grid: Grid, rng: np.random.Generator) -> None:
    """Add a red cell: a disc, thinner in the middle, often squeezed by its neighbours."""
    radius = rng.uniform(3.2, 4.0)
    window = grid.around((centre[0] - 6, centre[1] - 6), (centre[0] + 6, centre[1] + 6))
    part = Grid(grid.x[window], grid.y[window], grid.pixel)
    if not part.x.size:
        return
    squeeze, angle = 1 + abs(rng.normal(0, 0.1)), rng.uniform(0, np.pi)
    distance = ellipse(part, centre, (radius * squeeze, radius / squeeze), angle)
    turn = np.arctan2(part.y - centre[1], part.x - centre[0])
    for waves in (2, 3, 4):
        distance = distance + rng.normal(0, 0.09) * np.cos(waves * turn + rng.uniform(0, 6.3))
    pallor = look.pallor * rng.uniform(0.5, 1.0) if rng.random() < 0.9 else 0.0
    depth = (distance + radius) / radius
    thick = 1 - pallor * np.exp(-((depth / rng.uniform(0.4, 0.6)) ** 4))
    fringe = 0.12 * inside(np.abs(distance - 0.5) - 0.2, 2 * grid.pixel)  # light bent at the edge
    layer = rng.uniform(0.85, 1.15) * inside(distance, 2 * grid.pixel) * thick - fringe
    density[window] += layer[..., None] * np.array(look.eosin)


def _platelet(density: Array, centre: Point, grid: Grid, rng: np.random.Generator) -> None:
    """Add a platelet: a small purple speck."""
    spot = ellipse(grid, centre, (rng.uniform(0.7, 1.3), rng.uniform(0.5, 0.9)), rng.uniform(0, np.pi))
    spot = spot + 0.15 * field(rng, grid.shape, 0.8 / grid.pixel)
    density += (rng.uniform(0.6, 1.3) * inside(spot, 0.6))[..., None] * np.array(PLATELET)
