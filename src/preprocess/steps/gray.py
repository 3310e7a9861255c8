"""Step `gray`: weigh the colours into one channel."""

from src.images.pixels import Pixels, to_gray
from src.preprocess.pipeline import Frame


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Return the image in gray, with the weights of ITU-R BT.601."""
    return to_gray(image)
