"""DICOM files look as in a viewer, or say why they cannot be read."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from src.images.decode import read
from src.images.limits import UnreadableError

RAMP = np.arange(256, dtype=np.int16).reshape(16, 16)  # stored values 0..255


def write(path: Path, stored: NDArray[Any], syntax: str = ExplicitVRLittleEndian, **tags: Any) -> Path:
    """Write a CT slice with the given stored values; tags are DICOM keywords."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    found.file_meta.MediaStorageSOPClassUID = CTImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    found.SOPClassUID, found.SOPInstanceUID = CTImageStorage, found.file_meta.MediaStorageSOPInstanceUID
    found.Rows, found.Columns = stored.shape[:2]
    found.SamplesPerPixel = 3 if stored.ndim == 3 else 1
    found.PhotometricInterpretation = "RGB" if stored.ndim == 3 else "MONOCHROME2"
    if stored.ndim == 3:
        found.PlanarConfiguration = 0
    found.BitsAllocated = found.BitsStored = stored.itemsize * 8
    found.HighBit = found.BitsStored - 1
    found.PixelRepresentation = int(stored.dtype.kind == "i")
    found.PixelData = stored.tobytes()
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    found.save_as(path, enforce_file_format=True)
    return path


def shown(path: Path) -> list[int]:
    return [int(level) for level in read(path, 1.0)[0].ravel()]


def test_the_window_is_applied_to_rescaled_values(tmp_path: Path) -> None:
    # value = 2 * stored - 100; the exact window 0 +- 50 is 0 at -50 (stored 25) and 255 at 50 (stored 75)
    tags = {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 0, "WindowWidth": 100}
    levels = shown(write(tmp_path / "a.dcm", RAMP, VOILUTFunction="LINEAR_EXACT", **tags))
    assert levels[0] == levels[25] == 0
    assert levels[50] == 128  # the middle, 127.5 rounded to even
    assert levels[75] == levels[255] == 255


def test_a_linear_window_is_the_standards(tmp_path: Path) -> None:
    # PS3.3 C.11.2.1.2.1 with c=100, w=101: 0 up to 100 - 0.5 - 50 = 49.5, 255 from 149.5
    levels = shown(write(tmp_path / "a.dcm", RAMP, WindowCenter=100, WindowWidth=101))
    assert levels[49] == 0
    assert levels[50] == 1  # half of 2.55
    assert levels[149] == 254
    assert levels[150] == 255


def test_the_first_of_several_windows_counts(tmp_path: Path) -> None:
    one = shown(write(tmp_path / "a.dcm", RAMP, WindowCenter=100, WindowWidth=50))
    two = shown(write(tmp_path / "b.dcm", RAMP, WindowCenter=[100, 10], WindowWidth=[50, 5]))
    assert one == two


def test_a_sigmoid_window_is_half_way_at_its_centre(tmp_path: Path) -> None:
    levels = shown(write(tmp_path / "a.dcm", RAMP, WindowCenter=100, WindowWidth=80, VOILUTFunction="SIGMOID"))
    assert levels[100] == 128
    assert levels[120] == 186  # 255 / (1 + exp(-1)) = 186.4


def test_without_a_window_the_range_is_used_but_padding_is_not(tmp_path: Path) -> None:
    stored = RAMP.copy()
    stored[0, 0] = -2000
    levels = shown(write(tmp_path / "a.dcm", stored, PixelPaddingValue=-2000))
    assert levels[0] == 0
    assert levels[1] == 0  # the smallest measured value
    assert levels[255] == 255
    assert levels[128] == 128  # 127 of 254 steps, 127.5 rounded to even


def test_inverted_monochrome_is_turned_around(tmp_path: Path) -> None:
    tags = {"WindowCenter": 128, "WindowWidth": 256}
    plain = shown(write(tmp_path / "a.dcm", RAMP, **tags))
    inverted = shown(write(tmp_path / "b.dcm", RAMP, PhotometricInterpretation="MONOCHROME1", **tags))
    assert inverted == [255 - level for level in plain]


def test_a_lookup_table_goes_before_the_window(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor = [256, 0, 12]  # 256 entries from stored value 0, 12 bits each
    table.LUTData = (4095 - 8 * np.arange(256, dtype="<u2")).tobytes()
    path = write(tmp_path / "a.dcm", RAMP.astype(np.uint16), WindowCenter=5, WindowWidth=2)
    found = pydicom.dcmread(path)
    found.VOILUTSequence = Sequence([table])
    found.VOILUTSequence[0]["LUTData"].VR = "OW"
    found.save_as(path)
    levels = shown(path)
    assert [levels[0], levels[100], levels[255]] == [255, 205, 128]  # of 4095: 4095, 3295, 2055


def test_colour_is_read_as_rgb(tmp_path: Path) -> None:
    stored = np.zeros((16, 16, 3), np.uint8)
    stored[...] = (200, 100, 50)
    image, facts = read(write(tmp_path / "a.dcm", stored), 1.0)
    assert image[0, 0].tolist() == [200, 100, 50]
    assert (facts.channels, facts.format) == (3, "DICOM")


def test_run_length_encoding_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", RAMP.astype(np.uint16), WindowCenter=128, WindowWidth=256)
    plain = shown(path)
    found = pydicom.dcmread(path)
    found.compress(RLELossless)
    found.save_as(path)
    assert shown(path) == plain


def test_a_file_is_known_by_its_content_and_one_without_preamble_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", RAMP)
    content = path.read_bytes()
    (tmp_path / "IM0001").write_bytes(content)
    assert shown(tmp_path / "IM0001") == shown(path)
    found = pydicom.dcmread(path)
    bare = Dataset()
    bare.update(found)
    bare.save_as(tmp_path / "bare.dcm", implicit_vr=True, little_endian=True)
    assert (tmp_path / "bare.dcm").read_bytes()[128:132] != b"DICM"
    assert shown(tmp_path / "bare.dcm") == shown(path)


def test_compression_without_a_decoder_is_refused_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", RAMP, JPEGLSLossless, PixelData=encapsulate([b"\xff\xd8\xff\xd9"]))
    with pytest.raises(UnreadableError, match=r"compressed as JPEG-LS Lossless.*no decoder installed"):
        read(path, 1.0)


def test_several_frames_are_refused(tmp_path: Path) -> None:
    stored = np.zeros((32, 16), np.uint16)
    with pytest.raises(UnreadableError, match="DICOM with 2 frames"):
        read(write(tmp_path / "a.dcm", stored, Rows=16, NumberOfFrames=2), 1.0)


def test_the_size_is_judged_before_the_pixels_are_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="too large: 50000x50000"):
        read(write(tmp_path / "a.dcm", RAMP, Rows=50_000, Columns=50_000), 100.0)


def test_a_file_without_pixels_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", RAMP)
    found = pydicom.dcmread(path)
    del found.PixelData
    found.save_as(path)
    with pytest.raises(UnreadableError, match="without pixels"):
        read(path, 1.0)
    (tmp_path / "text.dcm").write_text("this is no DICOM file at all, only a name")
    with pytest.raises(UnreadableError, match="not an image"):
        read(tmp_path / "text.dcm", 1.0)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = write(tmp_path / "a.dcm", RAMP)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(UnreadableError, match=r"DICOM|not an image"):
        read(path, 1.0)
