"""Step `resize`: the size that the model sees."""

from src.images.pixels import Pixels, resized
from src.preprocess.pipeline import Frame


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Resize to `image_size`; the aspect is not kept."""
    height, width = frame.section.sides
    return resized(image, width, height)
