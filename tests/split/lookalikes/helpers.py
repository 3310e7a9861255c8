"""Images to be known again: drawn blood smears, and what may happen to a copy."""

from pathlib import Path

import cv2
import numpy as np

from src.core.random_streams import stream
from src.images.pixels import Pixels
from tools.samples.blood import draw
from tools.samples.blood_cells import KINDS


def smear(number: int) -> Pixels:
    """Draw a slide, uint8 (120, 160) gray."""
    image = draw(KINDS[number % len(KINDS)], stream(5, "smear", number))
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def moved(
    image: Pixels,
    angle: float = 0.0,
    scale: tuple[float, float] = (1.0, 1.0),
    shift: tuple[float, float] = (0.0, 0.0),
    fill: int = cv2.BORDER_CONSTANT,
) -> Pixels:
    """Turn, scale and shift (as a share of the sides) about the middle; a negative scale mirrors."""
    height, width = image.shape[:2]
    radians = np.radians(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]]) @ np.diag(scale)
    middle = np.array([width - 1, height - 1]) / 2
    offset = middle - turn @ middle + np.array(shift) * (width, height)
    warp = np.column_stack([turn, offset])
    return np.asarray(cv2.warpAffine(image, warp, (width, height), borderMode=fill), np.uint8)


def save(folder: Path, images: dict[str, np.ndarray]) -> list[Path]:
    """Write images under their names, in the format of the suffix, and give the paths in this order."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        assert cv2.imwrite(str(folder / name), image)
    return [folder / name for name in images]
