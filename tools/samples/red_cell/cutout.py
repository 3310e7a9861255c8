"""One stained red cell, cut out of its film along its outline and laid on black.

Lengths are cell radii, about 3.7 micrometres; the origin is the middle of the cell.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from tools.samples._drawing import Array, Colour, Grid, Pixels, ellipse, field, inside, stained
from tools.samples.red_cell import findings

REACH = 1.45  # half of the drawn square


@dataclass(frozen=True)
class Film:
    """What all cells of a patient share: one film, one stain, one telephone held to the eyepiece."""

    light: Colour
    body: Colour  # optical density of a red cell
    parasite: Colour  # of parasites and of all else that takes the stain
    diameter: float  # pixels
    shade: float

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Film":
        """Draw a film."""
        tone, strength = rng.uniform(222, 242), rng.uniform(0.7, 1.35)
        return cls(
            light=(tone, tone * rng.uniform(0.96, 1.0), tone * rng.uniform(0.94, 1.02)),
            body=(0.09 * strength + rng.uniform(0, 0.1), 0.34 * strength, 0.24 * strength + rng.uniform(-0.06, 0.06)),
            parasite=(rng.uniform(0.35, 0.55), rng.uniform(0.6, 0.8), rng.uniform(0.1, 0.25)),
            diameter=rng.uniform(50, 66),
            shade=rng.uniform(0.0, 0.09),
        )


def draw(film: Film, infected: bool, rng: np.random.Generator) -> Pixels:
    """Draw a cell (H, W, 3) in the smallest box that holds it."""
    diameter = film.diameter * rng.uniform(0.9, 1.12)
    side = round(REACH * diameter)
    grid = Grid.of(side, side, 2 / diameter, (side / 2, side / 2))
    distance = _outline(grid, rng)
    middle = np.hypot(grid.x - rng.normal(0, 0.15), grid.y - rng.normal(0, 0.15))
    thin = rng.uniform(0.0, 0.6) * np.exp(-((middle / rng.uniform(0.25, 0.6)) ** 2))
    grain = rng.uniform(0.004, 0.03) * field(rng, grid.shape, rng.uniform(1.5, 4))
    thick = 1 - thin + film.shade * field(rng, grid.shape, side / 2) + grain
    rim = 0.5 * inside(np.abs(distance + 0.02) - 0.015, 3 * grid.pixel)  # light bent at the edge
    density = (thick - rim)[..., None] * np.array(film.body)
    density += findings.draw(infected, distance, grid, rng)[..., None] * np.array(film.parasite)
    shown = cv2.GaussianBlur(stained(film.light, density), (0, 0), rng.uniform(0.3, 1.0))
    shown[distance > 0] = 0
    rows, columns = np.any(distance <= 0, axis=1).nonzero()[0], np.any(distance <= 0, axis=0).nonzero()[0]
    return np.ascontiguousarray(shown[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _outline(grid: Grid, rng: np.random.Generator) -> Array:
    """Return the distances to the cut: a rough disc, sometimes bitten by a neighbour or with a bit of one left on."""
    stretch = 1 + abs(rng.normal(0, 0.06))
    distance = ellipse(grid, (0, 0), (stretch, 1 / stretch), rng.uniform(0, np.pi))
    turn = np.arctan2(grid.y, grid.x)
    for waves in (2, 3, 4, 5):
        distance = distance + rng.normal(0, 0.022) * np.cos(waves * turn + rng.uniform(0, 6.3))
    heading = rng.uniform(0, 2 * np.pi)
    beside = (float(np.cos(heading)), float(np.sin(heading)))
    kind = rng.random()
    if kind < 0.12:
        bite = ellipse(grid, (1.55 * beside[0], 1.55 * beside[1]), (0.8, 0.8)) + 0.06 * field(rng, grid.shape, 5)
        distance = np.maximum(distance, -bite)
    elif kind < 0.24:
        left_on = ellipse(grid, (1.1 * beside[0], 1.1 * beside[1]), (0.35, 0.16), heading + rng.normal(0, 0.6))
        distance = np.minimum(distance, left_on + 0.06 * field(rng, grid.shape, 5))
    return np.asarray(distance + 0.008 * field(rng, grid.shape, 3))
