"""DICOM files to uint8 as a viewer shows them: rescaled to physical units, windowed, MONOCHROME1 inverted."""

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
# Elements that matter to the picture; the values of all others, however long, are not read.
ELEMENTS = [
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelData"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction"),
    *("WindowCenter", "WindowWidth", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *(f"{color}{PALETTE}{part}" for color in ("Red", "Green", "Blue", "Alpha") for part in ("Descriptor", "Data")),
    *(f"Segmented{color}{PALETTE}Data" for color in ("Red", "Green", "Blue", "Alpha")),
]
COPIES, FLOATS = 3, 18  # stored pixels in the file, in the element and as an array; rescaled ones twice, and levels
RLE_GROWTH = 64  # two bytes of a run become 128
# Damage that pydicom only logs, before it goes on with the part of the picture that it has.
DAMAGE = re.compile("decoded RLE segment|End of file reached|no JPEG EOI/EOC marker|fewer frames than expected")
_noted = threading.local()


class _Damage(logging.Handler):
    """Notes what pydicom says of the file that this thread decodes."""

    def emit(self, record: logging.LogRecord) -> None:
        if DAMAGE.search(record.getMessage()):
            _noted.damage = record.getMessage()


logging.getLogger("pydicom").addHandler(_Damage())


def decode(
    data: bytes, max_megapixels: float, keep_damaged: bool = False, claim: Callable[[float], object] = abs
) -> tuple[Pixels, tuple[int, int, int]]:
    """Decode the single frame of a DICOM file to (H, W) gray or (H, W, 3) RGB, with width, height and channels.

    `claim` is called once with the bytes that it will take.

    Raises:
        UnreadableError: damaged, without pixels, with several frames, or compressed with no decoder installed.
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
    except Exception as error:  # pydicom raises a dozen kinds for damaged bytes
        raise UnreadableError(f"damaged DICOM: {' '.join(str(error).split())}") from error


def is_deflated(data: bytes) -> bool:
    """Return whether all but a file's own elements is deflated: pydicom would inflate it, whatever memory that takes.

    The first 64 KB are searched without a parser, which inflates as soon as it knows.
    """
    return data[128:132] == b"DICM" and DeflatedExplicitVRLittleEndian.encode() in data[132 : 64 * 2**10]


def _check_frame(found: Dataset, max_megapixels: float, keep_damaged: bool) -> None:
    """Check what a compressed frame says of itself: decoders trust it, not the elements of the file."""
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
    except OSError:  # a kind that Pillow does not know
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
    """Return the stored values (H, W) or RGB (H, W, 3); pydicom turns YBR into RGB."""
    syntax = found.file_meta.get("TransferSyntaxUID") if hasattr(found, "file_meta") else None
    if syntax is None:
        found.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian  # the standard's default
    elif syntax.is_compressed and not pydicom.pixels.get_decoder(syntax).is_available:
        raise UnreadableError(f"DICOM compressed as {syntax.name}: no decoder installed, pip install pylibjpeg[all]")
    return np.asarray(found.pixel_array)


def _gray(stored: NDArray[np.generic], found: Dataset) -> Pixels:
    """Apply modality and VOI transforms (DICOM PS3.3, C.11.1 and C.11.2), the first where there are several."""
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
    """Scale from the range that is filled, padding around the scanned circle left out as it is no measurement."""
    padding = found.get("PixelPaddingValue")
    scanned = values[stored != padding] if padding is not None else values
    return to_levels(values, *full_range(scanned if scanned.size else values))
