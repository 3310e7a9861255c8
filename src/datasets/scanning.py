"""From a folder to a listing: junk left out, wrapping folders seen through, a nested copy of the whole left out."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from src.datasets import names
from src.datasets.entries import fold_of
from src.datasets.listing import Listing
from src.errors import AssayError

IMAGES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2", ".ppm", ".pgm"}
    | {".dcm", ".dicom"}
)
DICOM_MAGIC = (128, b"DICM")  # DICOM PS3.10, section 7.1: a preamble of 128 bytes, then the prefix
_DVC_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")


@dataclass(frozen=True)
class Skipped:
    """What was left out: junk files, files of a nested copy, and the folder that this copy is."""

    junk: int = 0
    copied: int = 0
    copy: str = ""


def scan(folder: Path, where: str) -> tuple[Listing, Skipped]:
    """List the files below a folder; `where` names the source in errors.

    Raises:
        AssayError: the folder holds no image, cannot be read, or has links or names that cannot be used.
    """
    found, junk = _walk(folder, where)
    files = _unwrapped(found)
    copy = _nested_copy(files)
    kept = _unwrapped({name: path for name, path in files.items() if not (copy and name.startswith(f"{copy}/"))})
    images = tuple(sorted(name for name, path in kept.items() if _is_image(name, path)))
    if not images:
        raise AssayError(f"{where}: expected images ({', '.join(sorted(IMAGES))}), found {_kinds(kept)}")
    return Listing(kept, images, where), Skipped(junk, len(files) - len(kept), copy)


def _walk(folder: Path, where: str) -> tuple[dict[str, Path], int]:
    files: dict[str, Path] = {}
    junk = 0
    spellings = names.Spellings(where)
    for path in _paths(folder, where):
        name = path.relative_to(folder).as_posix()
        if names.is_junk(name):
            junk += 1
            continue
        if path.is_symlink() and not _stays_inside(path, folder, where):
            continue
        name = names.normal(name, where)
        spellings.add(name)
        files[name] = path
    return files, junk


def _paths(folder: Path, where: str) -> Iterator[Path]:
    """Give all files, and the links to folders, which are not followed."""

    def refuse(error: OSError) -> None:
        raise AssayError(f"{where}: {error.filename}: cannot be read ({error.strerror})") from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(files):
            yield Path(root, name)
        for name in folders:
            if (path := Path(root, name)).is_symlink():
                yield path


def _stays_inside(link: Path, folder: Path, where: str) -> bool:
    """Tell whether a link stands for a file of the source; a link to a folder of the source only repeats it.

    A DVC cache of type symlink is allowed: there every file of data/ is a link into .dvc/cache.

    Raises:
        AssayError: it leads out of the source, or nowhere.
    """
    target = Path(os.path.realpath(link))
    if not target.exists() or not (target.is_relative_to(folder.resolve()) or _DVC_CACHE.search(target.as_posix())):
        raise AssayError(
            f"{where}: expected no links that lead out of the folder, found {link.relative_to(folder).as_posix()} "
            f"-> {link.readlink()}; put the file there, or name the folder it leads to"
        )
    return target.is_file()


def _unwrapped(files: dict[str, Path]) -> dict[str, Path]:
    """Take away folders on top that hold everything else and are neither a class nor a fold."""
    while len(tops := {name.partition("/")[0] for name in files}) == 1:
        inner = {name.partition("/")[2]: path for name, path in files.items()}
        is_class = any("/" not in name and _is_image(name, path) for name, path in inner.items())
        if "" in inner or is_class or fold_of(tops.pop()):
            break
        files = inner
    return files


def _nested_copy(files: Mapping[str, Path]) -> str:
    """Find the folder that holds once more exactly what stands beside it: same paths, same bytes; "" if none does."""
    counts: Counter[str] = Counter()
    for name in files:
        counts.update(parent.as_posix() for parent in PurePosixPath(name).parents)
    for inner in sorted(counts, key=lambda folder: (folder.count("/"), folder)):
        for outer in [parent.as_posix() for parent in PurePosixPath(inner).parents]:
            if counts[outer] == 2 * counts[inner] and _same(files, inner, outer):
                return inner
    return ""


def _same(files: Mapping[str, Path], inner: str, outer: str) -> bool:
    prefix = "" if outer == "." else f"{outer}/"
    copies = {name.removeprefix(f"{inner}/"): path for name, path in files.items() if name.startswith(f"{inner}/")}
    originals = {
        name.removeprefix(prefix): path
        for name, path in files.items()
        if name.startswith(prefix) and not name.startswith(f"{inner}/")
    }
    # A data set has folders: a class folder with one image, that also stands above it, is no copy of the whole.
    if copies.keys() != originals.keys() or not any("/" in name for name in copies):
        return False
    pairs = [(path, originals[name]) for name, path in copies.items()]
    return all(a.stat().st_size == b.stat().st_size for a, b in pairs) and all(_sha(a) == _sha(b) for a, b in pairs)


def _sha(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_image(name: str, path: Path) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in IMAGES:
        return True
    # Scanners write DICOM files without an extension, or with a number for one: 1.2.840.113619.2.5
    if (suffix and not suffix[1:].isdigit()) or PurePosixPath(name).name.upper() == "DICOMDIR":
        return False
    offset, magic = DICOM_MAGIC
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(len(magic)) == magic


def _kinds(files: Mapping[str, Path]) -> str:
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no extension" for name in files)
    return ", ".join(f"{count} files with {kind}" for kind, count in kinds.most_common(5)) or "an empty folder"
