"""Step `resize`: the size that the model sees."""

from src.imaging.frame import Frame
from src.imaging.pixels import Pixels, resized


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Resize to a square of `size`; the aspect is not kept."""
    return resized(image, frame.section.size, frame.section.size)
