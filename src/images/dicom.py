"""Decode DICOM files to uint8 as a viewer shows them: rescaled to physical units, windowed, MONOCHROME1 inverted."""

import io
import logging
import re
import threading
from collections.abc import Callable

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from src.images import jpeg
from src.images.limits import UnreadableError, check_size, work_bytes
from src.images.pixels import Pixels, full_range, to_levels

PALETTE = "PaletteColorLookupTable"
# The elements needed to show the image; the values of all others, however long, are not read.
ELEMENTS = [
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelData"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction"),
    *("WindowCenter", "WindowWidth", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *(f"{color}{PALETTE}{part}" for color in ("Red", "Green", "Blue", "Alpha") for part in ("Descriptor", "Data")),
    *(f"Segmented{color}{PALETTE}Data" for color in ("Red", "Green", "Blue", "Alpha")),
]
COPIES, FLOATS = 3, 18  # stored pixels: in file, element and array; bytes a pixel: rescaled values twice, and levels
RLE_GROWTH = 64  # largest factor: two bytes of run-length code decode to 128
# Damage that pydicom only logs before it continues with the part of the image that it could read.
DAMAGE = re.compile("decoded RLE segment|End of file reached|no JPEG EOI/EOC marker|fewer frames than expected")
_noted = threading.local()


class _Damage(logging.Handler):
    """Record the warnings of pydicom about the damage of the file that this thread is decoding."""

    def emit(self, record: logging.LogRecord) -> None:
        if DAMAGE.search(record.getMessage()):
            _noted.damage = record.getMessage()


logging.getLogger("pydicom").addHandler(_Damage())


def decode(
    data: bytes, max_megapixels: float, keep_damaged: bool = False, claim: Callable[[float], object] = abs
) -> tuple[Pixels, tuple[int, int, int]]:
    """Decode the single frame of a DICOM file to (H, W) gray or (H, W, 3) RGB; return width, height and channels, too.

    `claim` is called once, with the number of bytes that decoding will take.

    Raises:
        UnreadableError: the file is damaged, too large, deflated, without pixels or with several frames, or no decoder
            for its compression is installed.
    """
    _noted.damage = ""
    try:
        if is_deflated(data):
            raise UnreadableError("deflated DICOM: save it anew, uncompressed")
        found = pydicom.dcmread(io.BytesIO(data), force=True, specific_tags=ELEMENTS)
        shape = _shape(found)
        stored = shape[2] * -(-int(found.get("BitsAllocated", 8)) // 8)
        claim(check_size(*shape[:2], max_megapixels, COPIES * stored + FLOATS))
        _check_frame(found, max_megapixels, keep_damaged)
        shown = _shown(found)
        if _noted.damage and not keep_damaged:
            raise UnreadableError(f"damaged DICOM: {_noted.damage}")
        return shown, shape
    except UnreadableError:
        raise
    except Exception as error:  # pydicom raises a dozen types of errors for damaged bytes
        raise UnreadableError(f"damaged DICOM: {' '.join(str(error).split())}") from error


def is_deflated(data: bytes) -> bool:
    """Return whether the data set after the file meta information is deflated: pydicom would inflate it without limit.

    The first 64 KB are searched for the transfer syntax, since a parser would inflate as soon as it has read it.
    """
    return data[128:132] == b"DICM" and DeflatedExplicitVRLittleEndian.encode() in data[132 : 64 * 2**10]


def _check_frame(found: Dataset, max_megapixels: float, keep_damaged: bool) -> None:
    """Check the compressed frame itself: decoders trust its header, not the elements of the DICOM file."""
    syntax = found.file_meta.get("TransferSyntaxUID") if hasattr(found, "file_meta") else None
    if syntax is None or not syntax.is_encapsulated:
        return
    if syntax == RLELossless and len(found.PixelData) * RLE_GROWTH > work_bytes(max_megapixels):
        raise UnreadableError(
            f"too large: {len(found.PixelData) / 1e6:.1f} MB of run lengths, which may be 64 times as much"
        )
    frame = get_frame(found.PixelData, 0, number_of_frames=1)
    try:
        with Image.open(io.BytesIO(frame)) as header:
            check_size(*header.size, max_megapixels, COPIES * len(header.getbands()) + FLOATS)
            colors: jpeg.Colors = "GRAY" if header.mode == "L" else "RGB"
    except OSError:  # a compression that Pillow does not know
        return
    if syntax == JPEGBaseline8Bit and not keep_damaged:
        jpeg.decode(frame, colors)


def _shape(found: Dataset) -> tuple[int, int, int]:
    if "PixelData" not in found or "Rows" not in found or "Columns" not in found:
        raise UnreadableError("DICOM without pixels, or not a DICOM file")
    frames = int(found.get("NumberOfFrames") or 1)
    if frames > 1:
        raise UnreadableError(f"DICOM with {frames} frames: save the one that the label is about")
    return int(found.Columns), int(found.Rows), int(found.get("SamplesPerPixel", 1))


def _shown(found: Dataset) -> Pixels:
    stored = _pixels(found)
    kind = str(found.get("PhotometricInterpretation", "MONOCHROME2"))
    if kind == "PALETTE COLOR":
        colored = apply_color_lut(stored, found)
        return to_levels(colored, 0, np.iinfo(colored.dtype).max)
    if stored.ndim == 3:
        return to_levels(stored, 0, 2 ** int(found.BitsStored) - 1)
    levels = _gray(stored, found)
    return 255 - levels if kind == "MONOCHROME1" else levels


def _pixels(found: Dataset) -> NDArray[np.generic]:
    """Return the stored values (H, W), or RGB (H, W, 3); pydicom converts YBR to RGB."""
    syntax = found.file_meta.get("TransferSyntaxUID") if hasattr(found, "file_meta") else None
    if syntax is None:
        found.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian  # the standard's default
    elif syntax.is_compressed and not pydicom.pixels.get_decoder(syntax).is_available:
        raise UnreadableError(f"DICOM compressed as {syntax.name}: no decoder installed, pip install pylibjpeg[all]")
    return np.asarray(found.pixel_array)


def _gray(stored: NDArray[np.generic], found: Dataset) -> Pixels:
    """Apply modality and VOI transforms (DICOM PS3.3, C.11.1 and C.11.2); of several VOI transforms, use the first."""
    values = np.asarray(apply_modality_lut(stored, found))
    if found.get("VOILUTSequence"):
        bits = int(found.VOILUTSequence[0].LUTDescriptor[2])
        return to_levels(apply_voi(values.astype(np.int64), found, index=0), 0, 2**bits - 1)
    center, width = _first(found, "WindowCenter"), _first(found, "WindowWidth")
    if center is None or width is None or width <= 0:
        return _unwindowed(values, stored, found)
    if str(found.get("VOILUTFunction") or "LINEAR") == "SIGMOID":
        return to_levels(1 / (1 + np.exp(-4 * (values - center) / width)), 0, 1)
    if str(found.get("VOILUTFunction") or "LINEAR") == "LINEAR":  # PS3.3 C.11.2.1.2.1: the ends are pixel centres
        center, width = center - 0.5, max(width - 1, 1e-6)
    return to_levels(values, center - width / 2, center + width / 2)


def _first(found: Dataset, keyword: str) -> float | None:
    value = found.get(keyword)
    value = value[0] if isinstance(value, MultiValue) and value else value
    return None if value is None or value == "" or isinstance(value, MultiValue) else float(value)


def _unwindowed(values: NDArray[np.generic], stored: NDArray[np.generic], found: Dataset) -> Pixels:
    """Scale from the range of the values, without the padding around the scanned circle, which is not measured."""
    padding = found.get("PixelPaddingValue")
    scanned = values[stored != padding] if padding is not None else values
    return to_levels(values, *full_range(scanned if scanned.size else values))
