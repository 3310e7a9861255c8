"""What a file is, by its content: names lie, and scanners leave them out."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

IMAGES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2", ".ppm", ".pgm"}
    | {".dcm", ".dicom", ".ima"}
)
HEAD = 132  # bytes; DICOM PS3.10, section 7.1: a preamble of 128 bytes, then the prefix
IMAGE_MAGIC = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|\0\0\0\x0cjP  |BM....\0\0\0\0|.{128}DICM",
    re.DOTALL,
)
DECODE, SLICES = "no decoder: save it as PNG or JPEG", "a volume or an array: save its slices as images"
BRANDS = {  # ISO base media files, by the four letters behind "ftyp"
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
MAGIC = (
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL", DECODE),
    (re.compile(rb"PK\x03\x04.{26}(\[Content_Types\]|xl/|_rels)", re.DOTALL), "Office document", "no image"),
    (re.compile(rb"PK\x03\x04|7z\xbc\xaf|Rar!"), "archive", "an archive within the source: unpack it"),
    (re.compile(rb"%PDF"), "PDF", "a document"),
    (re.compile(rb"\x89HDF\r\n|\x93NUMPY|NRRD"), "array", SLICES),
)
VOLUMES = (".nii", ".nii.gz", ".npy", ".npz", ".mat", ".h5", ".hdf5", ".mha", ".mhd", ".nrrd")
PICTURES = frozenset({".heic", ".heif", ".avif", ".jxl", ".cr3", ".arw", ".svg", ".psd", ".czi"})
NO_IMAGE = "no image"


class LeftOut(NamedTuple):
    """Files of one kind that were left out for one reason, and the first of them."""

    kind: str
    reason: str
    files: int
    example: str


def is_image(name: str, path: Path) -> bool:
    """Return whether a file is for the decoder to judge: by its suffix, else by its first bytes."""
    if PurePosixPath(name).suffix.lower() in IMAGES:
        return True
    return PurePosixPath(name).name.upper() != "DICOMDIR" and IMAGE_MAGIC.match(_head(path)) is not None


def describe(name: str, path: Path) -> tuple[str, str]:
    """Return what kind of file this is that is not read as an image, and why it is left out."""
    head, suffix = _head(path), "".join(PurePosixPath(name.lower()).suffixes[-2:])
    own = PurePosixPath(name).suffix.lower() or "no extension"
    if head[4:8] == b"ftyp":
        brand = BRANDS.get(head[8:12])
        return (brand, DECODE) if brand else (own, "a video: save the frames that the label is about")
    for magic, kind, reason in MAGIC:
        if magic.match(head) and not suffix.endswith(VOLUMES):
            return kind, reason
    if suffix.endswith(VOLUMES):
        return own, SLICES
    if own in PICTURES:
        return own, DECODE
    return (own, "an empty file") if not head else (own, NO_IMAGE)


def count(files: Mapping[str, Path]) -> list[LeftOut]:
    """Count files that are left out by kind and reason, the largest number first."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for name, path in files.items():
        found = describe(name, path)
        counts[found] += 1
        examples.setdefault(found, name)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [LeftOut(*found, number, examples[found]) for found, number in ordered]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
