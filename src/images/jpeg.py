"""JPEG files, decoded so that a warning of libjpeg is an error: it fills what is damaged with gray and goes on.

A JPEG has no checksum. What libjpeg notices is data that ends too early or too late for the pixels that the header
states; a changed bit that leaves the count right is another picture to every decoder.
"""

from typing import Literal

import simplejpeg

from src.images.limits import UnreadableError
from src.images.pixels import Pixels, as_pixels

Colors = Literal["GRAY", "RGB", "CMYK"]
START_OF_SCAN = b"\xff\xda"
MAX_SCANS = 20  # at the largest allowed size, in proportion more for smaller images; encoders write up to 12


def check_scans(data: bytes, megapixels: float, max_megapixels: float) -> None:
    """Refuse a progressive file with very many scans: each scan takes as long as decoding the whole image.

    Raises:
        UnreadableError: too many scans.
    """
    scans = data.count(START_OF_SCAN)
    if scans * megapixels > MAX_SCANS * max_megapixels:
        raise UnreadableError(f"too large: a JPEG of {scans} scans, for {megapixels:g} megapixels that is too many")


def decode(data: bytes, colors: Colors) -> Pixels:
    """Decode to uint8 (H, W) for GRAY, else (H, W, C), with the pixels that OpenCV gives.

    Raises:
        UnreadableError: damaged.
    """
    try:
        image = simplejpeg.decode_jpeg(data, colors)
    except ValueError as error:
        reason = str(error)
        if "subsampling" in reason:
            reason = "its chroma subsampling is unusual, so that it cannot be checked"
        raise UnreadableError(f"damaged JPEG: {reason}") from None
    return as_pixels(image[..., 0] if colors == "GRAY" else image)
