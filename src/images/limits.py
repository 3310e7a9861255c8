"""Which sizes of an image are accepted, judged by its header."""

MIN_SIDE = 8  # pixels; the smallest `image_size` of params.yaml: a single pixel shows nothing
WORK_BYTES = 10  # for each allowed pixel: what 8-bit RGB takes while it is decoded, a progressive JPEG as well


def check_size(width: int, height: int, max_megapixels: float, bytes_per_pixel: int = WORK_BYTES) -> int:
    """Check the size that a header states, before any memory is taken for the pixels; return the bytes of work.

    bytes_per_pixel: what decoding takes at its peak, copies included.

    Raises:
        UnreadableError: too small to show anything, or too large.
    """
    if width * height > max_megapixels * 1e6:
        raise UnreadableError(f"too large: {width}x{height} is above preprocess.max_megapixels ({max_megapixels:g})")
    if min(width, height) < MIN_SIDE:
        raise UnreadableError(f"too small: {width}x{height}, expected at least {MIN_SIDE} pixels a side")
    work, allowed = width * height * bytes_per_pixel, work_bytes(max_megapixels)
    if work > allowed:
        raise UnreadableError(
            f"too large: {width}x{height} in this format takes {work / 1e6:.0f} MB to decode, "
            f"preprocess.max_megapixels ({max_megapixels:g}) allows {allowed / 1e6:.0f} MB"
        )
    return work


def work_bytes(max_megapixels: float) -> float:
    """Return how much memory the decoding of images may take: 1 GB for 100 megapixels."""
    return max_megapixels * 1e6 * WORK_BYTES


class UnreadableError(Exception):
    """A file that goes to rejected.csv; the message is the reason, without the file's name."""
