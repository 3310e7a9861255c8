"""The members of .zip and .tar.* archives behind one face; what they claim is not believed here but in unpacking."""

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self, cast

from src.errors import AssayError
from src.files import NO_ROOM

KINDS = ".zip, .tar, .tar.gz, .tar.bz2 or .tar.xz"
BLOCK = 2**20
ENCRYPTED = 0x1  # flag bits of a zip member, APPNOTE.TXT 4.4.4
UTF8 = 0x800
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error)
_LOOKS_LIKE = {
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x1f\x8b": "gzip data that holds no whole tar",
    b"BZh": "bzip2 data that holds no whole tar",
    b"\xfd7zXZ": "xz data that holds no whole tar",
    b"<!doctype": "an HTML page",
    b"<html": "an HTML page",
}


@dataclass(frozen=True)
class Member:
    """A file, folder or link in an archive; `size` is its claim in bytes; `link` says where a link leads to."""

    name: str
    kind: Literal["file", "folder", "symlink", "hardlink", "other"]
    size: int
    open: Callable[[], IO[bytes]]
    link: str = ""


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what the archive readers raise into one line that names the archive.

    Raises:
        AssayError: the archive is damaged, compressed in an unknown way, or cannot be read or written out.
        OSError: the disk that it is unpacked to is full.
    """
    try:
        yield
    except _DAMAGED as error:
        raise AssayError(f"{where}: expected a whole archive, found a damaged one ({_line(error)})") from error
    except (NotImplementedError, RuntimeError) as error:
        raise AssayError(f"{where}: cannot be unpacked here ({_line(error)}); unpack it and name the folder") from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise  # the archive is not to blame
        if error.errno is None:  # so do gzip and bz2 report bad data
            raise AssayError(f"{where}: expected a whole archive, found a damaged one ({_line(error)})") from error
        raise AssayError(f"{where}: cannot be unpacked ({error.strerror}: {error.filename or 'archive'})") from error


def kind(path: Path, where: str) -> Literal["zip", "tar"]:
    """Tell zip from tar by content, since a URL need not have an extension and extensions lie.

    Raises:
        AssayError: the file is neither.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        return "zip"
    try:
        with tarfile.open(path, "r:*", tarinfo=_Strict):
            return "tar"
    except (*_DAMAGED, OSError) as error:
        raise AssayError(f"{where}: expected {KINDS}, found {_look(head)}") from error


def members(path: Path, where: str) -> Iterator[Member]:
    """Give the members of an archive in their order; open each before asking for the next."""
    return _zipped(path, where) if kind(path, where) == "zip" else _tarred(path)


def claimed(path: Path, where: str) -> int:
    """Give the unpacked size in bytes that a zip claims; 0 for a tar, which has no table of contents."""
    if kind(path, where) == "tar":
        return 0
    with zipfile.ZipFile(path) as archive:
        return sum(info.file_size for info in archive.infolist())


def _zipped(path: Path, where: str) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.flag_bits & ENCRYPTED:
                raise AssayError(f"{where}: expected no password, found an encrypted archive; unpack it yourself")
            name = _repaired(info)
            opener = lambda info=info: archive.open(info)  # noqa: E731
            mode = stat.S_IFMT(info.external_attr >> 16)
            if name.replace("\\", "/").endswith("/"):
                yield Member(name, "folder", 0, opener)
            elif mode == stat.S_IFLNK:
                target = archive.read(info) if info.file_size < 2**16 else b""
                yield Member(name, "symlink", 0, opener, target.decode(errors="replace"))
            else:
                yield Member(name, "file" if mode in (0, stat.S_IFREG) else "other", info.file_size, opener)


def _repaired(info: zipfile.ZipInfo) -> str:
    """Read a name as UTF-8 where it is that without saying so, as macOS writes it; else as cp437, the zip standard."""
    if info.flag_bits & UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _tarred(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*", tarinfo=_Strict) as archive:
        for info in archive:
            opener = cast(Callable[[], IO[bytes]], lambda info=info: archive.extractfile(info))
            if info.issym() or info.islnk():
                yield Member(info.name, "symlink" if info.issym() else "hardlink", 0, opener, info.linkname)
            elif info.isdir():
                yield Member(info.name, "folder", 0, opener)
            else:
                yield Member(info.name, "file" if info.isreg() else "other", info.size, opener)
        while archive.fileobj and archive.fileobj.read(BLOCK):
            pass  # only at its very end does gzip check what came before


class _Strict(tarfile.TarInfo):
    """Damage between two members is an error: tarfile itself takes it for the end and gives half an archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _look(head: bytes) -> str:
    lowered = head.lstrip().lower()
    for magic, name in _LOOKS_LIKE.items():
        if head.startswith(magic) or lowered.startswith(magic):
            return name
    return "another kind of file" if head else "an empty file"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
