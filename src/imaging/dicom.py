"""DICOM files to uint8 as a viewer shows them: rescaled to physical units, windowed, MONOCHROME1 inverted."""

import io

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi

from src.imaging.pixels import Pixels, to_levels
from src.imaging.sizes import check_size
from src.imaging.unreadable import UnreadableError


def decode(data: bytes, max_megapixels: float) -> tuple[Pixels, tuple[int, int, int]]:
    """Decode the single frame of a DICOM file to (H, W) gray or (H, W, 3) RGB, with width, height and channels.

    Raises:
        UnreadableError: damaged, without pixels, with several frames, or compressed with no decoder installed.
    """
    try:
        found = pydicom.dcmread(io.BytesIO(data), force=True)
        shape = _shape(found)
        check_size(*shape[:2], max_megapixels)
        return _shown(found), shape
    except UnreadableError:
        raise
    except Exception as error:  # pydicom raises a dozen kinds for damaged bytes
        raise UnreadableError(f"damaged DICOM: {' '.join(str(error).split())}") from error


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
    """Give stored values (H, W) or RGB (H, W, 3); pydicom turns YBR into RGB."""
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
    """Scale from minimum to maximum, padding around the scanned circle left out as it is no measurement."""
    padding = found.get("PixelPaddingValue")
    scanned = values[stored != padding] if padding is not None else values
    scanned = scanned if scanned.size else values
    return to_levels(values, float(scanned.min()), float(scanned.max()))
