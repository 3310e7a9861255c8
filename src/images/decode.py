"""Read a file as uint8 pixels and facts: Pillow reads all headers, OpenCV decodes common formats, Pillow the rest."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from src.images import jpeg
from src.images.limits import UnreadableError, check_size, work_bytes
from src.images.pixels import Pixels, as_pixels, full_range, to_gray, to_levels

# Formats of photographs and scans only: of the others that Pillow opens, EPS starts a program and icons hold several
# sizes. Importing a plugin registers its format; Pillow's registration at the first use is not thread-safe.
Image.preinit()
PLUGINS = (Jpeg2KImageFile, TiffImageFile, WebPImageFile)
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", *(plugin.format for plugin in PLUGINS))
FAST = {"PNG": {"L", "LA", "RGB", "RGBA", "I;16"}, "JPEG": {"L", "RGB"}, "MPO": {"L", "RGB"}}
JPEGS = {"JPEG", "MPO"}
SPARE_BYTES = 64 * 2**20  # for metadata
SMALL_FILE = 8 * 2**20  # bytes; a larger file is read only while no other image is being decoded
ORIENTATION, BITS_PER_SAMPLE = 0x0112, 258  # EXIF and TIFF tags
# For each EXIF orientation: whether to swap rows and columns, then the steps along the rows and along the columns.
TURNS = {2: (0, 1, -1), 3: (0, -1, -1), 4: (0, -1, 1), 5: (1, 1, 1), 6: (1, 1, -1), 7: (1, -1, -1), 8: (1, -1, 1)}
PNG_DEPTH, PNG_SIGNATURE, PNG_FRAME = 24, 8, 12  # bytes: offset of the bit depth; signature; chunk without its data
# Bytes a pixel for Pillow: its own copy, and the raw bytes twice; some decoders also keep the pixels in their own form.
BY_PILLOW, CONVERTED, WIDE, OF_DECODER = 10, 16, 24, {"JPEG2000": 24, "WEBP": 12}
BLENDED_PIXELS = 2**16  # blended at a time
Image.MAX_IMAGE_PIXELS = None  # max_megapixels replaces it; Pillow's limit is fixed, and up to twice that it only warns


class Facts(NamedTuple):
    """A file as received: sides in pixels before any rotation, channels as stored (a palette image has one), bytes."""

    width: int
    height: int
    channels: int
    format: str
    bytes: int


def read(
    path: Path,
    max_megapixels: float,
    gray: bool = False,
    keep_damaged: bool = False,
    claim: Callable[[float], object] = abs,
) -> tuple[Pixels, Facts]:
    """Decode a file to (H, W) gray or (H, W, 3) RGB, rotated by its EXIF orientation; its content tells the format.

    Transparent pixels are blended onto black, the background of scans. Images of more than 8 bits are scaled
    from their own range of values: scanners use only part of the 16 bits, so the upper 8 would be almost black.
    `gray` combines colours into one channel. `keep_damaged` accepts whatever the decoder makes of a damaged file.
    `claim` is called once, with the number of bytes that decoding will take, and may wait until so many are free; for
    a file of more than 8 MB it is called before the file is read, with infinity.

    Raises:
        UnreadableError: the file does not hold a single undamaged image of at most `max_megapixels`.
    """
    data = _bytes(path, max_megapixels, claim)
    claim = claim if len(data) <= SMALL_FILE else abs
    if is_dicom(data):
        from src.images import dicom  # pydicom takes 0.3 s to import and most data sets hold no DICOM

        image, (width, height, channels) = dicom.decode(data, max_megapixels, keep_damaged, claim)
        return (to_gray(image) if gray else image), Facts(width, height, channels, "DICOM", len(data))
    with _header(data) as header:
        claim(check_size(header.width, header.height, max_megapixels, _bytes_per_pixel(header, data)))
        if header.format != "MPO" and getattr(header, "is_animated", False):  # an MPO starts with its main image
            raise UnreadableError("several frames (animated or multi-page): save the one that the label is about")
        if header.format in JPEGS:
            jpeg.check_scans(data, header.width * header.height / 1e6, max_megapixels)
        kind = "JPEG" if header.format == "MPO" else str(header.format)
        facts = Facts(*header.size, len(header.getbands()), kind, len(data))
        if not keep_damaged:
            _check_whole(data, header)
        image = np.ascontiguousarray(_upright(_decode(data, header, gray, keep_damaged), header, data))
    return (to_gray(image) if gray else image), facts


def is_dicom(data: bytes) -> bool:
    """Recognize a DICOM file by its prefix DICM or, if the preamble is missing, by its first element (group 2 or 8)."""
    return data[128:132] == b"DICM" or (data[:2] in {b"\x02\0", b"\x08\0"} and data[3:4] == b"\0")


def _bytes(path: Path, max_megapixels: float, claim: Callable[[float], object]) -> bytes:
    try:
        size = path.stat().st_size
        if size == 0:
            raise UnreadableError("empty file")
        if size > work_bytes(max_megapixels) / 3 + SPARE_BYTES:  # the size of uncompressed 8-bit RGB
            raise UnreadableError(f"too large: {size / 1e6:.0f} MB, for at most {max_megapixels:g} megapixels")
        if size > SMALL_FILE:
            claim(float("inf"))
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError("file not found") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def _bytes_per_pixel(header: Image.Image, data: bytes) -> int:
    """Return the peak memory of decoding, in bytes a pixel with all copies, from the header and the file size."""
    channels = len(header.getbands())
    if header.format in JPEGS:
        return 3 * channels  # two bytes for each coefficient, one for each pixel value
    if _is_fast(header):
        wide = header.format == "TIFF" or data[PNG_DEPTH] > 8
        decoded = 4 if header.mode == "LA" else channels  # OpenCV turns gray with alpha into four channels
        return 2 * decoded * (2 if wide else 1)
    plain = header.mode in {"1", "L", "RGB"}
    wide = header.mode.startswith(("I", "F"))
    held = len(data) // (header.width * header.height)  # the file itself, which is large if not compressed
    return (WIDE if wide else BY_PILLOW if plain else CONVERTED) + OF_DECODER.get(str(header.format), 0) + held


def _header(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnreadableError("not an image in a known format, or a damaged header") from None
    except Exception as error:  # Pillow raises a dozen types of errors for damaged bytes
        raise UnreadableError(f"damaged header: {' '.join(str(error).split())}") from error


def _check_whole(data: bytes, header: Image.Image) -> None:
    """Reject a file with damage that the decoder in use would ignore."""
    if header.format == "PNG":
        check_png(data)
        if not _is_fast(header) and cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is None:
            raise UnreadableError("truncated or damaged: the pixels cannot be decoded")
    elif header.format in JPEGS and not _is_fast(header):
        jpeg.decode(data, "CMYK")


def _decode(data: bytes, header: Image.Image, gray: bool, keep_damaged: bool) -> Pixels:
    try:
        if not _is_fast(header):
            return _by_pillow(header)
        if header.format in JPEGS and not keep_damaged:
            # A JPEG stores gray and colour separately: gray alone decodes in half the time, the same up to rounding.
            return _of_size(jpeg.decode(data, "GRAY" if gray or header.mode == "L" else "RGB"), header)
        return _by_opencv(data, header, gray)
    except UnreadableError:
        raise
    except Exception as error:  # Pillow raises a dozen types of errors for damaged bytes, OpenCV its own
        raise UnreadableError(f"truncated or damaged: {' '.join(str(error).split())}") from error


def _is_fast(header: Image.Image) -> bool:
    """Return whether OpenCV decodes this file exactly; it also keeps 16-bit colour, which Pillow reduces to 8 bits."""
    if header.format == "TIFF":
        return header.mode in {"RGB", "RGBA"} and 16 in header.getexif().get(BITS_PER_SAMPLE, (8,))
    return header.mode in FAST.get(str(header.format), ()) and "transparency" not in header.info


def _by_opencv(data: bytes, header: Image.Image, gray: bool) -> Pixels:
    luma = gray and header.format in JPEGS
    flag = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION if luma else cv2.IMREAD_UNCHANGED
    image = _of_size(cv2.imdecode(np.frombuffer(data, np.uint8), flag), header)
    if image.ndim == 3 and image.shape[2] == 4:
        image = _on_black(image)
    if image.dtype != np.uint8:
        image = _scaled(image)
    if image.ndim == 2 or header.mode == "LA":
        return as_pixels(image if image.ndim == 2 else image[..., 0])
    return as_pixels(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY if gray else cv2.COLOR_BGR2RGB))


def _of_size(image: NDArray[Any] | None, header: Image.Image) -> NDArray[Any]:
    if image is None or image.shape[:2] != (header.height, header.width):
        raise UnreadableError("truncated or damaged: the pixels cannot be decoded")
    return image


def _by_pillow(header: Image.Image) -> Pixels:
    if header.mode.startswith(("I", "F")):
        return _scaled(np.asarray(header))
    if header.has_transparency_data:
        return as_pixels(_on_black(np.asarray(header.convert("RGBA"))))
    mode = "L" if header.mode in {"1", "L"} else "RGB"
    return np.asarray(header if header.mode == mode else header.convert(mode))


def _on_black(image: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Remove the alpha channel, the last of four; if the image is not opaque, multiply the other channels by it."""
    full, alpha = np.iinfo(image.dtype).max, image[..., 3:]
    if alpha.min() == full:
        return np.ascontiguousarray(image[..., :3])
    blended, rows = np.empty_like(image[..., :3], order="C"), max(1, BLENDED_PIXELS // image.shape[1])
    for start in range(0, len(image), rows):  # in one piece, the fractions would take 70 bytes a pixel
        some = slice(start, start + rows)
        blended[some] = np.rint(image[some, :, :3] * (alpha[some] / full))
    return blended


def _scaled(values: NDArray[np.generic]) -> Pixels:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if finite.size == 0:
        raise UnreadableError("no pixel has a finite value")
    low, high = full_range(finite)
    return to_levels(values if finite is values else np.nan_to_num(values, nan=low), low, high)


def _upright(image: Pixels, header: Image.Image, data: bytes) -> Pixels:
    """Rotate or flip an image by its EXIF orientation; TIFF has its own tag, which the decoders already apply."""
    stated = "exif" in header.info or (header.format == "PNG" and b"eXIf" in data)
    turned, down, across = TURNS.get(header.getexif().get(ORIENTATION, 1) if stated else 1, (0, 1, 1))
    return (image.swapaxes(0, 1) if turned else image)[::down, ::across]


def check_png(content: bytes) -> None:
    """Read the chunks up to IEND (PNG specification, section 5) and verify the checksums of the critical ones.

    Raises:
        UnreadableError: the file is truncated or damaged.
    """
    data, start = memoryview(content), PNG_SIGNATURE
    while start + PNG_FRAME <= len(data):
        end = start + PNG_FRAME + int.from_bytes(data[start : start + 4])
        if end > len(data):
            break
        kind = bytes(data[start + 4 : start + 8])
        if kind[:1].isupper() and zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise UnreadableError(f"damaged: wrong checksum of {kind.decode('latin-1')} at byte {start}")
        if kind == b"IEND":
            return
        start = end
    raise UnreadableError(f"truncated: the PNG file stops after {len(data)} bytes, before its end chunk")
