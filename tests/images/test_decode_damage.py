"""A damaged file is refused with a reason; where a format has a checksum, without exception."""

import io
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from src.images.decode import read
from src.images.limits import UnreadableError
from tests.conftest import ROOT
from tests.images.helpers import save, smooth
from tests.images.test_dicom import write

PICTURE = smooth(96, 128)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"\xff\xd9"


def outcome(path: Path, content: bytes, original: np.ndarray) -> str:
    """Tell what reading makes of changed content: refused, the pixels of the original, or other pixels."""
    path.write_bytes(content)
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow's about odd tags
            image, _ = read(path, 1.0)
    except UnreadableError as error:
        return "refused" if str(error) else "refused without a reason"
    return "same" if np.array_equal(image, original) else "other"


def cut(content: bytes, at: int) -> bytes:
    return content[:at] + END


def zeroed(content: bytes, at: int) -> bytes:
    return content[:at] + bytes(64) + content[at + 64 :]


def repeated(content: bytes, at: int) -> bytes:
    return content[:at] + content[at - 64 :]


def lost(content: bytes, at: int) -> bytes:
    return content[:at] + content[at + 64 :]


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}])
def test_a_jpeg_cut_short_with_an_end_marker_appended_is_refused(
    tmp_path: Path, share: float, options: dict[str, object]
) -> None:
    image = Image.fromarray(PICTURE).convert(str(options.get("mode", "RGB")))
    image.save(tmp_path / "a.jpg", quality=90, progressive=bool(options.get("progressive")))
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(cut(content, int(len(content) * share)))
    with pytest.raises(UnreadableError, match=r"damaged JPEG: .*premature end"):
        read(tmp_path / "a.jpg", 1.0)
    kept, facts = read(tmp_path / "a.jpg", 1.0, keep_damaged=True)
    assert kept.shape[:2] == (facts.height, facts.width)


def test_a_damaged_jpeg_within_dicom_is_refused(tmp_path: Path) -> None:
    content = save(tmp_path / "a.jpg", PICTURE[..., 0], quality=90).read_bytes()
    for name, frame in {"whole": content, "cut": cut(content, len(content) // 2)}.items():
        frame += bytes(len(frame) % 2)
        tags = {"PixelData": pydicom.encaps.encapsulate([frame]), "WindowCenter": 128, "WindowWidth": 256}
        write(tmp_path / f"{name}.dcm", PICTURE[..., 0], JPEGBaseline8Bit, **tags)
    read(tmp_path / "whole.dcm", 1.0)
    with pytest.raises(UnreadableError, match=r"damaged JPEG: .*premature end"):
        read(tmp_path / "cut.dcm", 1.0)


def png(changed: Callable[[bytes], bytes], mode: str) -> bytes:
    """Write a PNG with other image data and right checksums."""
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).convert(mode).save(buffer, "PNG")
    content, parts, position = buffer.getvalue(), [], len(SIGNATURE)
    while position < len(content):
        length = int.from_bytes(content[position : position + 4])
        kind, body = content[position + 4 : position + 8], content[position + 8 : position + 8 + length]
        parts.append((kind, changed(body) if kind == b"IDAT" else body))
        position += 12 + length
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_png_with_too_little_data_is_refused_though_its_checksums_are_right(tmp_path: Path, mode: str) -> None:
    for changed in (
        lambda body: body[: len(body) // 2],
        lambda body: zlib.compress(zlib.decompress(body)[: len(zlib.decompress(body)) // 2]),
    ):
        (tmp_path / "a.png").write_bytes(png(changed, mode))
        with pytest.raises(UnreadableError, match="damaged"):
            read(tmp_path / "a.png", 1.0)


def originals(folder: Path) -> Iterator[tuple[str, Path]]:
    yield "png", save(folder / "a.png", PICTURE)
    yield "png", save(folder / "b.png", PICTURE[..., 0])
    yield "jpg", save(folder / "a.jpg", PICTURE, quality=90)
    yield "jpg", save(folder / "b.jpg", PICTURE, quality=90, progressive=True)
    yield "jpg", sorted((ROOT / "samples").rglob("*.jpeg"))[0]
    yield "tif", save(folder / "a.tif", PICTURE, compression="tiff_deflate")
    yield "webp", save(folder / "a.webp", PICTURE, lossless=True)


def mutations(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Change each file 35 times behind its header, and tell the format, the kind of damage and the outcome."""
    random = np.random.default_rng(7)
    for kind, path in originals(folder):
        content, (image, _) = path.read_bytes(), read(path, 1.0)
        start = max(content.rfind(b"\xff\xda") + 14, 100) if kind == "jpg" else 100
        for change in (cut, zeroed, repeated, lost, flipped):
            for at in random.integers(start + 64, len(content) - 70, size=7).tolist():
                yield kind, change.__name__, outcome(folder / "changed", change(content, at), image)


def test_mutated_files_are_refused_or_give_the_same_pixels(tmp_path: Path) -> None:
    counts = Counter(mutations(tmp_path))
    assert sum(counts.values()) == 245
    other = Counter({key[:2]: number for key, number in counts.items() if key[2] == "other"})
    assert not [key for key in other if key[0] == "png"]  # every byte of it stands under a checksum
    assert other["jpg", "cut"] == 0
    # A JPEG has no checksum: another bit that leaves the number of blocks right is another picture to every decoder.
    assert sum(other["jpg", change] for change in ("zeroed", "repeated", "lost")) <= 8


def test_sixteen_bit_colour_of_a_damaged_tiff_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 4000, (64, 64, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), noise, [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW])
    content = (tmp_path / "a.tif").read_bytes()
    image, _ = read(tmp_path / "a.tif", 1.0)
    assert outcome(tmp_path / "b.tif", zeroed(content, len(content) // 2), image) == "refused"


@pytest.mark.filterwarnings("ignore:The decoded RLE segment")
def test_what_pydicom_warns_of_is_damage_unless_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", np.arange(4096, dtype=np.uint16).reshape(64, 64))
    found = pydicom.dcmread(path)
    found.compress(RLELossless)
    found.save_as(path)
    content = path.read_bytes()
    for at in range(len(content) - 40, len(content) - 500, -1):  # where a run becomes one of other length
        path.write_bytes(content[:at] + b"\x81\x81" + content[at + 2 :])
        with suppress(UnreadableError):
            read(path, 1.0)
            continue
        with suppress(UnreadableError):  # others are damaged for every reader
            read(path, 1.0, keep_damaged=True)
            break
    else:
        pytest.fail("no change that pydicom only warns of")
    with pytest.raises(UnreadableError, match="damaged DICOM: The decoded RLE segment contains non-conformant padding"):
        read(path, 1.0)
