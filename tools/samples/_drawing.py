"""Primitives of generated images: coordinates, soft shapes, random fields, and encoding to files.

All shapes are implicit functions evaluated at the pixel centres of the final image, so that nothing is resampled.
Distances are negative inside a shape and positive outside, in the units of the grid.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from src.core.files import replacing

Array = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
Point = tuple[float, float]
Colour = tuple[float, float, float]  # red, green, blue


@dataclass(frozen=True)
class Grid:
    """Coordinates (H, W) of the pixel centres, x to the right and y downward, and the side of a pixel."""

    x: Array
    y: Array
    pixel: float

    @classmethod
    def of(cls, width: int, height: int, pixel: float, centre: Point) -> "Grid":
        """Lay out a grid whose origin stands at `centre`, in pixels from the upper left corner."""
        columns = (np.arange(width, dtype=np.float64) - centre[0]) * pixel
        rows = (np.arange(height, dtype=np.float64) - centre[1]) * pixel
        return cls(*np.meshgrid(columns, rows), pixel)

    @property
    def shape(self) -> tuple[int, int]:
        return (self.x.shape[0], self.x.shape[1])

    def around(self, low: Point, high: Point) -> tuple[slice, slice]:
        """Return the rows and columns that cover a rectangle."""
        left, top = self.x[0, 0], self.y[0, 0]
        limits = [(low[1] - top, high[1] - top), (low[0] - left, high[0] - left)]
        rows, columns = (slice(max(0, int(a / self.pixel)), max(0, int(b / self.pixel) + 2)) for a, b in limits)
        return rows, columns


def ellipse(grid: Grid, centre: Point, radii: Point, angle: float = 0.0, power: float = 2.0) -> Array:
    """Return the approximate distance to an ellipse turned by `angle`, or to a superellipse with another power."""
    x, y = grid.x - centre[0], grid.y - centre[1]
    cosine, sine = np.cos(angle), np.sin(angle)
    along, across = (x * cosine + y * sine) / radii[0], (y * cosine - x * sine) / radii[1]
    if power == 2.0:
        return np.asarray((np.sqrt(along * along + across * across) - 1) * min(radii))
    return np.asarray(((np.abs(along) ** power + np.abs(across) ** power) ** (1 / power) - 1) * min(radii))


def inside(distance: Array, softness: float) -> Array:
    """Turn distances into coverage 1 (inside) to 0 (outside) with an edge about `softness` wide."""
    ramp = np.clip(0.5 - distance / softness, 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp))


def union(first: Array, second: Array, blend: float) -> Array:
    """Join two shapes, with the corner between them rounded over `blend`."""
    share = np.clip(0.5 + (second - first) / (2 * blend), 0, 1)
    return np.asarray(second + (first - second) * share - blend * share * (1 - share))


def paint(image: Array, coverage: Array, value: float | Array) -> None:
    """Blend a value into the image where it is covered."""
    image += (value - image) * coverage


def field(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Array:
    """Draw a smooth random field of about unit variance whose bumps are `grain` pixels apart."""
    grain = max(grain, 1.0)
    coarse = rng.standard_normal((int(shape[0] / grain) + 4, int(shape[1] / grain) + 4))
    height, width = (max(round(side * grain), limit) for side, limit in zip(coarse.shape, shape, strict=True))
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    top, left = (height - shape[0]) // 2, (width - shape[1]) // 2
    return np.asarray(smooth[top : top + shape[0], left : left + shape[1]] * 1.3)


def scattered(rng: np.random.Generator, low: Point, high: Point, apart: Point, tries: int) -> list[Point]:
    """Scatter points over a rectangle; each keeps a distance, drawn from the range `apart`, to those before it."""
    chosen: list[Point] = []
    for _ in range(tries):
        x, y, distance = rng.uniform(low[0], high[0]), rng.uniform(low[1], high[1]), rng.uniform(*apart)
        if all(np.hypot(x - other[0], y - other[1]) > distance for other in chosen):
            chosen.append((x, y))
    return chosen


def stroke(layer: Array, grid: Grid, ends: tuple[Point, Point], radii: Point, value: float) -> None:
    """Draw a line of changing thickness; where lines overlap, the brighter one counts.

    A line thinner than a pixel is drawn a pixel wide and fainter instead, as a scanner would show it.
    """
    (x0, y0), (x1, y1) = ends
    reach = max(radii) + grid.pixel
    window = grid.around((min(x0, x1) - reach, min(y0, y1) - reach), (max(x0, x1) + reach, max(y0, y1) + reach))
    x, y = grid.x[window] - x0, grid.y[window] - y0
    dx, dy = x1 - x0, y1 - y0
    along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    radius = radii[0] + (radii[1] - radii[0]) * along
    drawn = np.maximum(radius, 0.5 * grid.pixel)
    distance = np.hypot(x - along * dx, y - along * dy) - drawn
    layer[window] = np.maximum(layer[window], inside(distance, grid.pixel) * radius / drawn * value)


def stained(light: Array | Colour, density: Array) -> Pixels:
    """Return light (0..255 in red, green, blue) after stain of an optical density (H, W, 3), in OpenCV's order."""
    shown = np.clip(np.asarray(light) * np.exp(-density), 0, 255)
    return np.ascontiguousarray(np.rint(shown[..., ::-1]).astype(np.uint8))


def convert(gray: Pixels, mode: str) -> Pixels:
    """Convert a gray image (H, W) to the channels of mode L, RGB or RGBA (opaque), in OpenCV's order."""
    conversions = {"RGB": cv2.COLOR_GRAY2BGR, "RGBA": cv2.COLOR_GRAY2BGRA}
    return gray if mode == "L" else np.asarray(cv2.cvtColor(gray, conversions[mode]), np.uint8)


def encode(path: Path, pixels: Pixels, quality: int = 80) -> None:
    """Write PNG or JPEG by the suffix of the path; the same pixels give the same bytes."""
    jpeg = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options = {".png": [cv2.IMWRITE_PNG_COMPRESSION, 9], ".jpg": jpeg, ".jpeg": jpeg}
    _, content = cv2.imencode(path.suffix, pixels, options[path.suffix])
    with replacing(path) as temporary:
        temporary.write_bytes(content.tobytes())


def cut(path: Path, fraction: float) -> None:
    """Damage a file: keep only its beginning, as a broken download would."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
