"""Step `detail`: take from the images the trace of the resolution that they were published in."""

import cv2

from src.imaging.frame import Frame
from src.imaging.pixels import Pixels, as_pixels, resized

SIGMA = 0.8  # pixels of the image of side `detail`


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Resize to a square of `detail` and blur slightly."""
    side = frame.section.detail
    return as_pixels(cv2.GaussianBlur(resized(image, side, side), (0, 0), SIGMA))
