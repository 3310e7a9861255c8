"""One frontal view: the sum of all densities along the beam."""

from itertools import pairwise

import numpy as np

from tools.samples._drawing import Array, Grid, Pixels, Point, ellipse, inside, stroke
from tools.samples.xray import bones, findings, thorax
from tools.samples.xray.exposure import Exposure
from tools.samples.xray.thorax import Thorax

HEALTHY_LOOK_ALIKE = 0.8  # share of healthy lungs with something that could be taken for an opacity


def draw(patient: Thorax, exposure: Exposure, cause: str | None, rng: np.random.Generator) -> Pixels:
    """Draw a radiograph as gray levels (H, W); `cause` is bacteria, virus or None for healthy lungs."""
    grid = exposure.grid()
    outline = thorax.body(patient, grid, rng)
    lung = thorax.lungs(patient, exposure.breath, grid, rng)
    deep = np.sqrt(np.clip(-outline / 0.35, 0, 1))
    density = 0.62 * deep * (1 - 0.16 * np.clip(np.abs(grid.x), 0, 1.2)) + bones.texture(grid, rng) * (outline < 0)
    density -= 0.42 * inside(lung, 0.035) * np.sqrt(np.clip(0.35 - lung, 0, 1))
    density += 0.06 * inside(np.abs(grid.x) - patient.thymus, 0.12) * (outline < 0)
    shadow = inside(thorax.heart(patient, grid), 0.05)
    density += 0.24 * shadow * inside(lung, 0.03) + 0.07 * shadow
    density += thorax.abdomen(patient, lung, grid, rng)
    density += _airway(grid, rng) + bones.draw(patient, grid, rng) * (outline < 0)
    density += findings.vessels(lung, grid, rng) + _breasts(patient, grid)
    density += _findings(cause, lung, grid, rng) * (1 - 0.6 * shadow)
    density *= 1 + exposure.turn * np.tanh(2 * grid.x)
    _foreign(density, exposure, grid, rng)
    return exposure.show(density, rng)


def _findings(cause: str | None, lung: Array, grid: Grid, rng: np.random.Generator) -> Array:
    """Draw an opacity, or in healthy lungs what could be taken for one."""
    added = findings.opacity(cause or str(rng.choice([findings.BACTERIA, findings.VIRUS])), lung, grid, rng)
    if cause:
        return added
    if rng.random() < HEALTHY_LOOK_ALIKE:
        return findings.look_alike(added, lung, grid, rng)
    return np.zeros(grid.shape)


def _airway(grid: Grid, rng: np.random.Generator) -> Array:
    """Draw the trachea and its two main branches, which hold air."""
    layer = np.zeros(grid.shape)
    x, fork = rng.normal(0, 0.02), rng.uniform(-0.35, -0.25)
    stroke(layer, grid, ((x, -1.4), (x, fork)), (0.05, 0.05), 1.0)
    for side in (-1.0, 1.0):
        stroke(layer, grid, ((x, fork), (side * 0.22, fork + 0.2)), (0.04, 0.03), 0.7)
    return -0.09 * layer


def _breasts(patient: Thorax, grid: Grid) -> Array:
    layer = np.zeros(grid.shape)
    for side in (-1.0, 1.0):
        distance = ellipse(grid, (side * 0.6, 0.35), (0.36, 0.32))
        layer = np.maximum(layer, inside(distance, 0.12))
    return patient.breasts * layer


def _foreign(density: Array, exposure: Exposure, grid: Grid, rng: np.random.Generator) -> None:
    """Add cables with their electrodes, tubes, and the letter R at the patient's right."""
    layer = np.zeros(grid.shape)
    for _ in range(exposure.lines):
        x, y, heading = rng.uniform(-0.9, 0.9), rng.uniform(-0.6, 0.5), rng.uniform(0, 2 * np.pi)
        stroke(layer, grid, ((x, y), (x, y)), (0.045, 0.045), 1.0)
        for _ in range(int(rng.integers(8, 24))):
            heading += rng.normal(0, 0.2)
            end = (x + 0.08 * float(np.cos(heading)), y + 0.08 * float(np.sin(heading)))
            stroke(layer, grid, ((x, y), end), (0.008, 0.008), 0.8)
            x, y = end
    if exposure.marker:
        _letter(layer, (-exposure.reach + rng.uniform(0.08, 0.16), rng.uniform(-0.6, 0.3)), 0.09, grid)
    density += (1.0 - np.clip(density, 0, 1)) * 0.75 * layer


def _letter(layer: Array, corner: Point, size: float, grid: Grid) -> None:
    """Draw an R."""
    points = [(0, 1), (0, 0), (0.55, 0.05), (0.6, 0.3), (0.5, 0.5), (0, 0.52), (0.25, 0.52), (0.65, 1)]
    path = [(corner[0] + size * x, corner[1] + size * y) for x, y in points]
    for ends in pairwise(path):
        stroke(layer, grid, ends, (0.012, 0.012), 1.0)
