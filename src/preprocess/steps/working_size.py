"""Step `working_size`: one size for all images, so that lengths in pixels mean the same in each."""

import cv2

from src.images.pixels import Pixels, as_pixels
from src.preprocess.pipeline import Frame


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Resize to a square of `working_size` with area interpolation; the aspect is not kept."""
    side = frame.section.working_size
    return as_pixels(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA))
