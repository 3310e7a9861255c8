"""Copies of a slide as in the archive: rotated, shifted and flipped, black outside of the slide."""

import numpy as np

from tools.samples._drawing import Array, Pixels

TURN = 25.0  # degrees


def augmented(slide: Pixels, rng: np.random.Generator) -> Pixels:
    """Rotate, shift and flip a slide (H, W, 3)."""
    height, width = slide.shape[:2]
    turn = np.radians(rng.uniform(-TURN, TURN))
    shift = rng.uniform(-0.1, 0.1, 2) * (width, height)
    mirror = rng.choice([-1.0, 1.0], 2)
    columns, rows = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    x = mirror[0] * (columns * np.cos(turn) - rows * np.sin(turn)) + shift[0] + (width - 1) / 2
    y = mirror[1] * (columns * np.sin(turn) + rows * np.cos(turn)) + shift[1] + (height - 1) / 2
    return _sampled(slide, x, y)


def _sampled(image: Pixels, x: Array, y: Array) -> Pixels:
    """Sample an image (H, W, 3) with bilinear interpolation; black outside."""
    height, width = image.shape[:2]
    seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    left, top = (np.clip(np.floor(side), 0, most - 2).astype(int) for side, most in ((x, width), (y, height)))
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = image[top, left] * (1 - across) + image[top, left + 1] * across
    lower = image[top + 1, left] * (1 - across) + image[top + 1, left + 1] * across
    return np.where(seen[..., None], np.rint(upper + (lower - upper) * down), 0).clip(0, 255).astype(np.uint8)
