"""Step `resize`: the size that the model sees."""

from src.imaging.frame import Frame
from src.imaging.pixels import Pixels, resized


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Resize to `image_size`; the aspect is not kept."""
    height, width = frame.section.sides
    return resized(image, width, height)
