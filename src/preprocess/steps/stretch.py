"""Step `stretch`: use the whole range of grey levels."""

import cv2
import numpy as np

from src.images.pixels import Pixels, as_pixels, to_levels
from src.preprocess.pipeline import Frame


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Map the darkest value to 0 and the brightest to 255, in all channels alike so that hues stay; flat becomes 0."""
    low, high = int(image.min()), int(image.max())
    if (low, high) == (0, 255):
        return image
    return as_pixels(cv2.LUT(image, to_levels(np.arange(256), low, high)))
