"""Step `gray`: weigh the colours into one channel."""

from src.imaging.frame import Frame
from src.imaging.pixels import Pixels, to_gray


def apply(image: Pixels, frame: Frame) -> Pixels:
    """Give the image in gray, ITU-R BT.601."""
    return to_gray(image)
