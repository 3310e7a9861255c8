"""How a slice was taken and shown: field of view, noise, motion, window, margins, file. Independent of the class."""

from dataclasses import dataclass

import cv2
import numpy as np

from tools.samples._drawing import Array, Grid, Pixels, field
from tools.samples.ct.anatomy import Chest

LUNG = 0.1  # how bright healthy lung may be, of 1


@dataclass(frozen=True)
class Look:
    """What all slices of a patient share, since they come from one figure of one publication."""

    width: int  # of the picture before margins, in pixels
    reach: float  # half width of the picture in half body widths; below 1 the body is cut off
    above: float
    below: float
    low: float  # HU shown black
    high: float  # HU shown white
    noise: float  # HU
    grain: float  # pixels
    blur: float  # pixels
    motion: int  # pixels
    table: bool  # in the picture
    circle: bool  # a round field of view
    margins: tuple[int, int, int, int]  # black, in pixels: left, top, right, bottom
    mode: str
    suffix: str
    quality: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Look":
        """Draw a way of taking and showing pictures."""
        suffix = str(rng.choice([".png", ".jpg"]))
        modes = {".png": ["L", "RGB", "RGBA"], ".jpg": ["L", "RGB"]}[suffix]
        mode = str(rng.choice(modes))
        width = int(150 + 270 * rng.beta(1.3, 2.4) * (1.0 if suffix == ".jpg" else 0.6 if mode == "L" else 0.35))
        return cls(
            width=width,
            reach=rng.uniform(0.9, 1.12),
            above=rng.uniform(-0.06, 0.12),
            below=rng.uniform(-0.04, 0.3),
            low=rng.uniform(-1120, -980),
            high=rng.uniform(-80, 420),
            noise=rng.uniform(8, 32),
            grain=rng.uniform(1.0, 2.0),
            blur=rng.uniform(0.35, 0.8),
            motion=int(rng.integers(2, 6)) if rng.random() < 0.15 else 0,
            table=bool(rng.random() < 0.6),
            circle=bool(rng.random() < 0.3),
            margins=_margins(rng, width),
            mode=mode,
            suffix=suffix,
            quality=int(rng.integers(60, 90)),
        )

    def grid(self, chest: Chest) -> Grid:
        """Lay the chest into the picture."""
        top, bottom = chest.depth + self.above + chest.breasts, chest.depth + self.below
        pixel = 2 * self.reach / self.width
        return Grid.of(self.width, round((top + bottom) / pixel), pixel, (self.width / 2, top / pixel))

    def show(self, density: Array, lung: float, grid: Grid, rng: np.random.Generator) -> Pixels:
        """Turn HU (H, W) into gray levels, with this look's noise, blur, window and margins.

        `lung` is the density of healthy lung: a window never shows it brighter than dark gray.
        """
        noisy = density + self.noise * field(rng, grid.shape, self.grain)
        noisy = cv2.GaussianBlur(noisy, (0, 0), self.blur)
        if self.motion:
            noisy = _moved(noisy, self.motion, rng.uniform(0, np.pi))
        if self.circle:
            noisy[np.hypot(grid.x, grid.y - 0.05) > self.reach] = -2000
        low = max(self.low, (lung - LUNG * self.high) / (1 - LUNG))
        gray = np.clip((noisy - low) / (self.high - low), 0, 1) * 255
        left, top, right, bottom = self.margins
        return np.pad(np.rint(gray).astype(np.uint8), ((top, bottom), (left, right)))


def _margins(rng: np.random.Generator, width: int) -> tuple[int, int, int, int]:
    sides = np.where(rng.random(4) < 0.45, rng.uniform(0.01, 0.1, 4) * width, 0).astype(int)
    return (int(sides[0]), int(sides[1]), int(sides[2]), int(sides[3]))


def _moved(image: Array, length: int, heading: float) -> Array:
    """Smear the image along a line, as breathing does."""
    shifts = np.linspace(-length / 2, length / 2, 2 * length + 1)
    kernel = np.zeros((2 * length + 1, 2 * length + 1))
    for shift in shifts:
        kernel[round(length + shift * np.sin(heading)), round(length + shift * np.cos(heading))] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))
