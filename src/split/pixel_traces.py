"""Traces of the file in prepared pixels: sharpness, block edges, saturation and borders, whatever the body shows."""

from functools import cache

import cv2
import numpy as np

from src.images.pixels import Pixels
from src.split.index import Floats, Ints

RINGS = 10  # bands of spatial frequency, from coarse to the finest the pixels hold
BLOCK = 8  # pixels, the side of a JPEG block
FRAME = 3  # pixels, the width of the border
SMALLEST = 1e-6

TRACES = (
    *(f"power of band {ring}" for ring in range(RINGS)),
    "sharpness",
    "block edges across",
    "block edges down",
    "black",
    "white",
    *(f"{side} border {what}" for side in ("top", "bottom", "left", "right") for what in ("mean", "deviation")),
)


def pixel_traces(image: Pixels) -> Floats:
    """Measure an image, uint8 (H, W, C): one number for each of TRACES."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[-1] == 3 else image[..., 0]
    pixels = gray.astype(np.float64)
    sharpness = np.log(cv2.Laplacian(pixels, cv2.CV_64F).var() + SMALLEST)
    saturated = [(gray == 0).mean(), (gray == 255).mean()]
    edges = [_block_edges(pixels), _block_edges(pixels.T)]
    return np.array([*_bands(pixels), sharpness, *edges, *saturated, *_borders(pixels)], dtype=np.float64)


def _bands(pixels: Floats) -> Floats:
    """Return the log share of the radial power spectrum in each band, of the windowed image without its mean."""
    window, ring = _window_and_rings(*pixels.shape)
    power = np.abs(np.fft.rfft2((pixels - pixels.mean()) * window)) ** 2
    bands = np.bincount(ring, power.ravel(), minlength=RINGS)
    return np.asarray(np.log(bands / (bands.sum() + SMALLEST) + SMALLEST), dtype=np.float64)


@cache
def _window_and_rings(height: int, width: int) -> tuple[Floats, Ints]:
    """Return the window (H, W), and of each frequency its band, which the size alone decides."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    ring = np.minimum((radius * 2 * RINGS).astype(np.intp), RINGS - 1)
    return np.outer(np.hanning(height), np.hanning(width)), ring.ravel()


def _block_edges(pixels: Floats) -> float:
    """Compare the steps between columns at every eighth column, the best phase, to all steps: 1 without blocks."""
    steps = np.abs(np.diff(pixels, axis=1)).mean(axis=0)
    phases = [steps[phase::BLOCK].mean() for phase in range(min(BLOCK, len(steps)))]
    return float((max(phases) + SMALLEST) / (steps.mean() + SMALLEST))


def _borders(pixels: Floats) -> list[float]:
    sides = pixels[:FRAME], pixels[-FRAME:], pixels[:, :FRAME], pixels[:, -FRAME:]
    return [float(number) for side in sides for number in (side.mean(), side.std())]
