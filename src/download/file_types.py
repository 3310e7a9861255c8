"""What a file is: its kind, by content too, as suffixes can be wrong or missing, and whether it is a mask."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from src.core.errors import AssayError

DICOM = frozenset({".dcm", ".dicom", ".ima"})
IMAGES = DICOM | {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2", ".ppm", ".pgm")
}
HEAD = 132  # bytes; DICOM PS3.10, section 7.1: a preamble of 128 bytes, then the prefix
IMAGE_MAGIC = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|\0\0\0\x0cjP  |BM....\0\0\0\0|.{128}DICM",
    re.DOTALL,
)
NO_IMAGE, DECODE = "no image", "no decoder: save it as PNG or JPEG"
SLICES = "a volume or an array: save its slices as images"
VOLUMES = (".nii", ".nii.gz", ".npy", ".npz", ".mat", ".h5", ".hdf5", ".mha", ".mhd", ".nrrd")
PICTURES = (".heic", ".heif", ".avif", ".jxl", ".cr3", ".arw", ".svg", ".psd", ".czi")
# Files that are not images: first bytes, end of the name, kind ("": the suffix) and reason; the first match counts.
OTHERS = (
    (rb".{4}ftyp(heic|heix|hevc|heim|heis|mif1|msf1)", "", "HEIC", DECODE),  # ISO base media files
    (rb".{4}ftyp(avif|avis)", "", "AVIF", DECODE),
    (rb".{4}ftyp", "", "", "a video: save the frames that the label is about"),
    (rb"", VOLUMES, "", SLICES),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "", "JPEG XL", DECODE),
    (rb"PK\x03\x04.{26}(\[Content_Types\]|xl/|_rels)", "", "Office document", NO_IMAGE),
    (rb"PK\x03\x04|7z\xbc\xaf|Rar!", "", "archive", "an archive within the source: unpack it"),
    (rb"%PDF", "", "PDF", "a document"),
    (rb"\x89HDF\r\n|\x93NUMPY|NRRD", "", "array", SLICES),
    (rb"", PICTURES, "", DECODE),
    (rb"\Z", "", "", "an empty file"),
    (rb"", "", "", NO_IMAGE),
)
MASK = re.compile(r"[_\- ](masks?|seg|segmentation|segmented)([_\- ]?\d+)?$", re.IGNORECASE)
MASK_FOLDER = re.compile(r"(?!(no|not|with|without)[_\- ])(.*[_\- ])?(masks?|segmentations?)$", re.IGNORECASE)
JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_DRIVE = re.compile(r"^[A-Za-z]:")
IMAGE_FOLDERS = [
    spelled for name in ("image", "images", "img", "imgs") for spelled in (name, name.capitalize(), name.upper())
]
IS_MASK = "a mask beside its image; dataset.masks: keep takes it as an image"


class LeftOut(NamedTuple):
    """Files of one kind that were left out for one reason, and the first of them."""

    kind: str
    reason: str
    files: int
    example: str


def is_image(name: str, path: Path) -> bool:
    """Return whether a file looks like an image, by its suffix or else its first bytes; the decoder checks it later."""
    if PurePosixPath(name).suffix.lower() in IMAGES:
        return True
    return PurePosixPath(name).name.upper() != "DICOMDIR" and IMAGE_MAGIC.match(_head(path)) is not None


def is_dicom(name: str, path: Path) -> bool:
    """Return whether an image is a DICOM file, by its suffix or else by its prefix."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix in DICOM if suffix in IMAGES else _head(path)[128:] == b"DICM"


def describe(name: str, path: Path) -> tuple[str, str]:
    """Return the kind of a file that is not read as an image, and why it is left out."""
    head, suffix = _head(path), PurePosixPath(name).suffix.lower()
    fits = (row for row in OTHERS if re.match(row[0], head, re.DOTALL) and name.lower().endswith(row[1]))
    _, _, kind, reason = next(fits)
    return kind or suffix or "no extension", reason


def count(files: Mapping[str, Path]) -> list[LeftOut]:
    """Count the files that are left out, by kind and reason, the largest number first."""
    named: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, path in files.items():
        named[describe(name, path)].append(name)
    ordered = sorted(named.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [LeftOut(*found, len(names), names[0]) for found, names in ordered]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def junk_row(files: int) -> list[LeftOut]:
    """Return the row about junk files, if there are any."""
    return [LeftOut("junk", "left by the operating system, or hidden", files, "")] if files else []


def is_junk(name: str) -> bool:
    """Return whether a file is hidden, was left behind by an operating system, or lies in such a folder.

    >>> is_junk("__MACOSX/a/b.png"), is_junk("a/._b.png"), is_junk("a/b.png")
    (True, True, False)
    """
    return any(part.startswith(".") or part.lower() in JUNK for part in name.split("/"))


def normal(name: str, where: str) -> str:
    """Normalize a name to NFC, as macOS stores accents separately, and refuse what a manifest cannot hold.

    Raises:
        AssayError: the name has a control character, or bytes that are not UTF-8.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise AssayError(f"{where}: expected file names in UTF-8, found {name!a}; rename it") from error
    if not name.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in name):
        raise AssayError(f"{where}: expected file names without control characters, found {name!r}; rename it")
    return unicodedata.normalize("NFC", name)


def contained(name: str, where: str) -> str:
    """Return the name of an archive's member as a path below the folder it is unpacked to; "" is that folder.

    Backslashes count as slashes: archives made on Windows contain them, and on Windows they separate folders.

    Raises:
        AssayError: the name is absolute or leads out with "..".

    >>> contained("./data\\\\a.png", "x.zip")
    'data/a.png'
    """
    slashed = normal(name, where).replace("\\", "/")
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    if slashed.startswith("/") or _DRIVE.match(slashed) or ".." in parts:
        raise AssayError(f"{where}: expected only paths inside the archive, found {name!r}; nothing of it is used")
    return "/".join(parts)


def masks(images: Sequence[str]) -> frozenset[str]:
    """Find the segmentation masks among the images, which would otherwise be counted as images.

    These are NAME_mask.png beside NAME.png, and the files of a folder like masks/ beside a folder like images/, if at
    least half of their names are found there.
    """
    originals = {_key(image) for image in images}
    beside = {image for image in images if _key(image) != (key := _key(image, whole=False)) and key in originals}
    matched: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    for image in images:
        parts = image.split("/")
        place = next((place for place, part in enumerate(parts[:-1]) if MASK_FOLDER.fullmatch(part)), None)
        if place is not None:
            paths = ["/".join([*parts[:place], name, *parts[place + 1 :]]) for name in IMAGE_FOLDERS]
            keys = {_key(path, whole) for path in paths for whole in (True, False)}
            matched["/".join(parts[:place]), parts[place]][image] = not keys.isdisjoint(originals)
    return frozenset(beside.union(*(found for found in matched.values() if 2 * sum(found.values()) >= len(found))))


def _key(path: str, whole: bool = True) -> tuple[str, str]:
    """Return the folder and the stem of a path; without `whole`, those of the image that it would be a mask of."""
    folder, _, name = path.rpartition("/")
    stem = PurePosixPath(name).stem
    return folder, stem if whole else MASK.sub("", stem)
