"""Is all of a file there? Decoders differ: some refuse a truncated file, others fill the rest with gray."""

import zlib

from src.imaging.unreadable import UnreadableError

PNG_SIGNATURE = 8  # bytes before the first chunk
CHUNK_FRAME = 12  # bytes of length, kind and checksum around the content of a chunk
ALONE = {0x01, *range(0xD0, 0xD9)}  # JPEG markers without a length: TEM, RST0 to RST7, SOI
START_OF_SCAN, END_OF_IMAGE, FILL = 0xDA, b"\xff\xd9", 0xFF


def check(data: bytes, format: str) -> None:
    """Check that a PNG or JPEG file ends where its own structure says; other formats are left to their decoder.

    Raises:
        UnreadableError: the file is truncated or damaged.
    """
    if format == "PNG":
        _png(memoryview(data))
    elif format in {"JPEG", "MPO"}:
        _jpeg(data)


def _png(data: memoryview) -> None:
    """Walk the chunks up to IEND (PNG specification, section 5) and compare the checksums of those that matter."""
    position = PNG_SIGNATURE
    while position + CHUNK_FRAME <= len(data):
        end = position + CHUNK_FRAME + int.from_bytes(data[position : position + 4])
        if end > len(data):
            break
        kind = bytes(data[position + 4 : position + 8])
        content, checksum = data[position + 4 : end - 4], int.from_bytes(data[end - 4 : end])
        if kind[:1].isupper() and zlib.crc32(content) != checksum:
            raise UnreadableError(f"damaged: wrong checksum of {kind.decode('latin-1')} at byte {position}")
        if kind == b"IEND":
            return
        position = end
    raise UnreadableError(f"truncated: the PNG file stops after {len(data)} bytes, before its end chunk")


def _jpeg(data: bytes) -> None:
    """Walk the segments to the first scan (ITU-T T.81, annex B); an end marker has to follow, which no scan contains.

    A search from the start would find the end marker of an embedded preview.
    """
    position = 2
    while position + 4 <= len(data) and data[position] == FILL:
        marker = data[position + 1]
        if marker == START_OF_SCAN:
            if data.find(END_OF_IMAGE, position) >= 0:
                return
            break
        if marker == FILL:
            position += 1
        elif marker in ALONE:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
    raise UnreadableError(f"truncated: the JPEG file stops after {len(data)} bytes, before its end marker")
