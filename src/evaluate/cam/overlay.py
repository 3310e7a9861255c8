"""Maps as pictures: brought to the sides of the image, coloured, laid over it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from src.images.pixels import Pixels
from src.metrics.scored import Floats

LOWEST = 0.2  # values below are left out
HEAT = 0.5  # of the mixture, the rest is the image
COLOURS = cv2.COLORMAP_INFERNO  # its brightness rises evenly with the value, for colour-blind eyes and in print too


def normalize(heat: Floats, sides: tuple[int, int]) -> Floats:
    """Scale a map (h, w) to the sides (H, W) of its image, between the middles of its places linearly, and to [0, 1].

    What speaks against the class, below 0, counts as 0; a map on which nothing speaks for it stays 0.
    """
    height, width = sides
    grown = cv2.resize(np.maximum(heat, 0), (width, height), interpolation=cv2.INTER_LINEAR)
    largest = grown.max()
    return np.asarray(grown / largest if largest > 0 else grown, dtype=np.float64)


def colour(heat: Floats) -> Pixels:
    """Colour a map (H, W) of [0, 1] as RGB uint8 (H, W, 3); what is left out is black."""
    shades = cv2.applyColorMap(np.rint(255 * heat).astype(np.uint8), COLOURS)
    return np.asarray(np.where(shown(heat), cv2.cvtColor(shades, cv2.COLOR_BGR2RGB), 0), dtype=np.uint8)


def overlay(image: Pixels, heat: Floats) -> Pixels:
    """Lay a map (H, W) of [0, 1] over an image (H, W, C), gray or RGB; where it is left out the image stays itself."""
    under = np.broadcast_to(image, (*image.shape[:2], 3))
    mixture = np.rint(HEAT * colour(heat) + (1 - HEAT) * under)
    return np.asarray(np.where(shown(heat), mixture, under), dtype=np.uint8)


def shown(heat: Floats) -> NDArray[np.bool_]:
    """Return where (H, W, 1) a map (H, W) of [0, 1] is shown."""
    return (heat >= LOWEST)[..., None]
