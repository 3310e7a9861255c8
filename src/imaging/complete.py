"""Is all of a PNG file there? Decoders differ: some refuse a truncated file, others leave the rest black."""

import zlib

from src.imaging.unreadable import UnreadableError

SIGNATURE = 8  # bytes before the first chunk
CHUNK_FRAME = 12  # bytes of length, kind and checksum around the content of a chunk


def check_png(content: bytes) -> None:
    """Walk the chunks up to IEND (PNG specification, section 5) and compare the checksums of those that matter.

    Raises:
        UnreadableError: the file is truncated or damaged.
    """
    data, position = memoryview(content), SIGNATURE
    while position + CHUNK_FRAME <= len(data):
        end = position + CHUNK_FRAME + int.from_bytes(data[position : position + 4])
        if end > len(data):
            break
        kind = bytes(data[position + 4 : position + 8])
        chunk, checksum = data[position + 4 : end - 4], int.from_bytes(data[end - 4 : end])
        if kind[:1].isupper() and zlib.crc32(chunk) != checksum:
            raise UnreadableError(f"damaged: wrong checksum of {kind.decode('latin-1')} at byte {position}")
        if kind == b"IEND":
            return
        position = end
    raise UnreadableError(f"truncated: the PNG file stops after {len(data)} bytes, before its end chunk")
