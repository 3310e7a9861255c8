"""From a file to uint8 pixels and facts about it: OpenCV decodes what is common, Pillow all headers and the rest."""

import io
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from src.imaging import complete
from src.imaging.pixels import Pixels, as_pixels, to_gray, to_levels
from src.imaging.sizes import check_size
from src.imaging.unreadable import UnreadableError

# Photographs and scans; of what else Pillow opens, EPS would start a program and icons hold several sizes.
# Importing a plugin registers its format; Pillow's own way of doing so at the first use is not safe in threads.
Image.preinit()
FORMATS = (
    *("BMP", "GIF", "JPEG", "PNG", "PPM"),
    *(plugin.format for plugin in (Jpeg2KImageFile, TiffImageFile, WebPImageFile)),
)
FAST = {"PNG": {"L", "LA", "RGB", "RGBA", "I;16"}, "JPEG": {"L", "RGB"}, "MPO": {"L", "RGB"}}
MAX_BYTES_PER_PIXEL = 8  # 16 bits in four channels, not compressed
SPARE_BYTES = 64 * 2**20  # for metadata
ORIENTATION, BITS_PER_SAMPLE = 0x0112, 258  # EXIF and TIFF tags

Image.MAX_IMAGE_PIXELS = None  # max_megapixels takes its place; Pillow's limit is fixed, and half of it only warns


class Facts(NamedTuple):
    """A file as obtained: pixels before any rotation, channels as stored (a palette image has one), size in bytes."""

    width: int
    height: int
    channels: int
    format: str
    bytes: int


def read(path: Path, max_megapixels: float, gray: bool = False) -> tuple[Pixels, Facts]:
    """Decode a file to (H, W) gray or (H, W, 3) RGB, turned upright by its EXIF orientation.

    Transparent pixels are blended onto black, the background of scans. More than 8 bits are scaled from the
    image's own minimum and maximum: scanners fill only part of 16 bits, so the upper 8 would be almost black.
    With `gray` colours are weighed into one channel.

    Raises:
        UnreadableError: there is no single whole image of at most `max_megapixels` in the file.
    """
    data = _bytes(path, max_megapixels)
    if _is_dicom(data, path):
        from src.imaging import dicom  # pydicom takes 0.3 s to import and most data sets hold no DICOM

        image, (width, height, channels) = dicom.decode(data, max_megapixels)
        return (to_gray(image) if gray else image), Facts(width, height, channels, "DICOM", len(data))
    with _header(data) as header:
        check_size(header.width, header.height, max_megapixels)
        _check_single(header)
        complete.check(data, str(header.format))
        facts = Facts(*header.size, len(header.getbands()), _format(header), len(data))
        image = np.ascontiguousarray(_upright(_decode(data, header, gray), header, data))
    return (to_gray(image) if gray else image), facts


def _bytes(path: Path, max_megapixels: float) -> bytes:
    try:
        size = path.stat().st_size
        if size == 0:
            raise UnreadableError("empty file")
        if size > max_megapixels * 1e6 * MAX_BYTES_PER_PIXEL + SPARE_BYTES:
            raise UnreadableError(f"too large: {size / 1e6:.0f} MB, for at most {max_megapixels:g} megapixels")
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError("file not found") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def _is_dicom(data: bytes, path: Path) -> bool:
    return data[128:132] == b"DICM" or path.suffix.lower() in {".dcm", ".dicom", ".ima"}


def _header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadableError("not an image in a known format, or a damaged header") from None
    except Exception as error:  # Pillow raises a dozen kinds for damaged bytes
        raise UnreadableError(f"damaged header: {' '.join(str(error).split())}") from error


def _check_single(header: Image.Image) -> None:
    """Refuse several frames: the label may be about any of them. An MPO photograph starts with its main image."""
    if header.format != "MPO" and getattr(header, "is_animated", False):
        raise UnreadableError("several frames (animated or multi-page): save the one that the label is about")


def _format(header: Image.Image) -> str:
    return "JPEG" if header.format == "MPO" else str(header.format)


def _decode(data: bytes, header: Image.Image, gray: bool) -> Pixels:
    try:
        return _by_opencv(data, header, gray) if _is_fast(header) else _by_pillow(header)
    except UnreadableError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds for damaged bytes, OpenCV its own
        raise UnreadableError(f"truncated or damaged: {' '.join(str(error).split())}") from error


def _is_fast(header: Image.Image) -> bool:
    """Tell the files that OpenCV decodes exactly; it also keeps 16 bits of colour, which Pillow cuts to 8."""
    if header.format == "TIFF":
        return header.mode in {"RGB", "RGBA"} and 16 in header.getexif().get(BITS_PER_SAMPLE, (8,))
    return header.mode in FAST.get(str(header.format), ()) and "transparency" not in header.info


def _by_opencv(data: bytes, header: Image.Image, gray: bool) -> Pixels:
    # A JPEG stores gray and colour apart: gray alone takes half the time and is the same to the rounding.
    luma = gray and header.format in {"JPEG", "MPO"}
    flag = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION if luma else cv2.IMREAD_UNCHANGED
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None or image.shape[:2] != (header.height, header.width):
        raise UnreadableError("truncated or damaged: the pixels cannot be decoded")
    if image.ndim == 3 and image.shape[2] == 4:
        image = _on_black(image)
    if image.dtype != np.uint8:
        image = _scaled(image)
    if image.ndim == 2 or header.mode == "LA":
        return as_pixels(image if image.ndim == 2 else image[..., 0])
    return as_pixels(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY if gray else cv2.COLOR_BGR2RGB))


def _by_pillow(header: Image.Image) -> Pixels:
    if header.mode.startswith(("I", "F")):
        return _scaled(np.asarray(header))
    if header.has_transparency_data:
        return as_pixels(_on_black(np.asarray(header.convert("RGBA"))))
    return np.asarray(header.convert("L" if header.mode in {"1", "L"} else "RGB"))


def _on_black(image: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Drop the alpha channel, the last of four, of an opaque image; multiply the others with it elsewhere."""
    full, alpha = np.iinfo(image.dtype).max, image[..., 3:]
    if alpha.min() == full:
        return np.ascontiguousarray(image[..., :3])
    return np.rint(image[..., :3] * (alpha / full)).astype(image.dtype)


def _scaled(values: NDArray[np.generic]) -> Pixels:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise UnreadableError("no pixel has a finite value")
    return to_levels(np.nan_to_num(values, nan=float(finite.min())), float(finite.min()), float(finite.max()))


def _upright(image: Pixels, header: Image.Image, data: bytes) -> Pixels:
    """Turn an image as its EXIF orientation asks; a TIFF file has a tag of its own, which the decoders follow."""
    stated = "exif" in header.info or (header.format == "PNG" and b"eXIf" in data)
    match header.getexif().get(ORIENTATION) if stated else None:
        case 2:
            return image[:, ::-1]
        case 3:
            return image[::-1, ::-1]
        case 4:
            return image[::-1]
        case 5:
            return image.swapaxes(0, 1)
        case 6:
            return image.swapaxes(0, 1)[:, ::-1]
        case 7:
            return image.swapaxes(0, 1)[::-1, ::-1]
        case 8:
            return image.swapaxes(0, 1)[::-1]
        case _:
            return image
