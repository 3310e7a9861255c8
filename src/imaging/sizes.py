"""Which sizes of an image are accepted, judged by its header."""

from src.imaging.unreadable import UnreadableError

MIN_SIDE = 8  # pixels; the smallest `image_size` of params.yaml: a single pixel shows nothing


def check_size(width: int, height: int, max_megapixels: float) -> None:
    """Judge the size that a header states, before any memory is taken for the pixels.

    Raises:
        UnreadableError: too small to show anything, or too large.
    """
    if width * height > max_megapixels * 1e6:
        raise UnreadableError(f"too large: {width}x{height} is above preprocess.max_megapixels ({max_megapixels:g})")
    if min(width, height) < MIN_SIDE:
        raise UnreadableError(f"too small: {width}x{height}, expected at least {MIN_SIDE} pixels a side")
