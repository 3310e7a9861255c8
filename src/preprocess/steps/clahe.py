"""Step `clahe`: contrast limited adaptive histogram equalization (Zuiderveld, Graphics Gems IV, 1994)."""

import cv2

from src.config import Clahe
from src.images.pixels import Pixels, as_pixels
from src.preprocess.pipeline import Frame


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Equalize a gray image, or the lightness of an RGB image in CIE Lab, and keep the original for `crop`."""
    if frame.before_clahe is None:
        frame.before_clahe = image
    if image.ndim == 2:
        return equalize(image, frame.section.clahe)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = equalize(as_pixels(lab[..., 0]), frame.section.clahe)
    return as_pixels(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))


def equalize(channel: Pixels, params: Clahe) -> Pixels:
    """Equalize one channel; an OpenCV CLAHE object is not safe to share between threads and costs little to make."""
    tiles = (params.tile_grid, params.tile_grid)
    return as_pixels(cv2.createCLAHE(clipLimit=params.clip_limit, tileGridSize=tiles).apply(channel))
