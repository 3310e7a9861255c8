"""Unpacks .zip and .tar.* archives; their names, sizes and links are checked (path traversal, zip bombs)."""

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, NamedTuple, Self, cast

from src.core.errors import AssayError, first_line
from src.core.files import CANNOT_UNZIP, NO_ROOM
from src.core.progress import ByteProgress
from src.download import file_types
from src.download.file_types import LeftOut

KINDS = ".zip, .tar, .tar.gz, .tar.bz2 or .tar.xz"
LINK = "links and special files of an archive are not unpacked: unpack it yourself and name the folder"
BLOCK, GB = 2**20, 10**9
ENCRYPTED, UTF8 = 0x1, 0x800  # flag bits of a zip member, APPNOTE.TXT 4.4.4
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error)
_LOOKS_LIKE = {
    b"rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x89png": "a PNG image",
    b"\x1f\x8b": "gzip data that holds no whole tar",
    b"<!doctype": "an HTML page",
    b"<html": "an HTML page",
}


class Member(NamedTuple):
    """A file or folder in an archive, or something other, such as a link or a device."""

    name: str
    kind: Literal["file", "folder", "other"]
    open: Callable[[], IO[bytes]]


def kind(path: Path, where: str) -> Literal["zip", "tar"]:
    """Distinguish zip from tar by content, since a URL may have no extension and extensions may be wrong.

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
        start = head.lstrip().lower()
        looks = [name for magic, name in _LOOKS_LIKE.items() if start.startswith(magic)]
        found = looks[0] if looks else "another kind of file" if head else "an empty file"
        raise AssayError(f"{where}: expected {KINDS}, found {found}") from error


def unpack(archive: Path, folder: Path, max_gb: float, where: str) -> list[LeftOut]:
    """Unpack a .zip or .tar.* into a new folder without its junk, and return what was left out.

    Links and special files are never created, wherever they lead; `where` names the archive in errors.

    Raises:
        AssayError: the file is not an archive, is damaged or encrypted, unpacks to more than `max_gb` (counted in bytes
            written, whatever its table says), or has a member that leads out of the folder or appears twice.
    """
    refusal = (
        f"{where}: expected at most {max_gb:g} GB unpacked, found more; if you trust it, raise dataset.max_unpacked_gb"
    )
    with _explained(where):
        if kind(archive, where) == "zip":
            with zipfile.ZipFile(archive) as zipped:
                claimed = sum(info.file_size for info in zipped.infolist())
                return _written(_zipped(zipped, where), folder, Room("unpack", claimed, max_gb, refusal), where)
        with tarfile.open(archive, "r:*", tarinfo=_Strict) as tarred:  # a tar has no table of contents
            return _written(_tarred(tarred), folder, Room("unpack", None, max_gb, refusal), where)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn exceptions of the archive readers into one line that names the archive.

    Raises:
        AssayError: the archive is damaged, compressed in an unknown way, or cannot be read or written out.
        OSError: the disk that it is unpacked to is full.
    """
    damaged = f"{where}: expected a whole archive, found a damaged one"
    try:
        yield
    except _DAMAGED as error:
        raise AssayError(f"{damaged} ({first_line(error)})") from error
    except CANNOT_UNZIP as error:
        raise AssayError(
            f"{where}: cannot be unpacked here ({first_line(error)}); unpack it and name the folder"
        ) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise  # the archive is not to blame
        if error.errno is None:  # this is how gzip and bz2 report bad data
            raise AssayError(f"{damaged} ({first_line(error)})") from error
        raise AssayError(f"{where}: cannot be unpacked ({error.strerror}: {error.filename or 'archive'})") from error


def _zipped(archive: zipfile.ZipFile, where: str) -> Iterator[Member]:
    """Yield the members in their order; open each before asking for the next."""
    for info in archive.infolist():
        if info.flag_bits & ENCRYPTED:
            raise AssayError(f"{where}: expected no password, found an encrypted archive; unpack it yourself")
        name = _repaired(info)
        opener = lambda info=info: archive.open(info)  # noqa: E731
        is_file = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
        is_folder = name.replace("\\", "/").endswith("/")
        yield Member(name, "folder" if is_folder else "file" if is_file else "other", opener)


def _repaired(info: zipfile.ZipInfo) -> str:
    """Read a name as UTF-8 if it is valid UTF-8 without the flag, as from macOS; else as cp437, the zip standard."""
    try:
        return info.filename if info.flag_bits & UTF8 else info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _tarred(archive: tarfile.TarFile) -> Iterator[Member]:
    """Yield the members in their order; open each before asking for the next."""
    for info in archive:
        opener = cast(Callable[[], IO[bytes]], lambda info=info: archive.extractfile(info))
        yield Member(info.name, "folder" if info.isdir() else "file" if info.isreg() else "other", opener)
    while archive.fileobj and archive.fileobj.read(BLOCK):
        pass  # gzip verifies its checksum only at the very end


class _Strict(tarfile.TarInfo):
    """Makes damage between two members an error: tarfile itself takes it for the end and returns half an archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


class Room(ByteProgress):
    """Counts bytes and raises before there are more than `max_gb`, or at once if a larger total is claimed."""

    def __init__(self, what: str, total: int | None, max_gb: float, refusal: str, done: int = 0) -> None:
        super().__init__(what, total, done)
        self._limit, self._refusal = max_gb * GB, refusal
        self._check(max(done, total or 0))

    def add(self, count: int) -> None:
        self._check(self.done + count)
        super().add(count)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise AssayError(self._refusal)


def _written(members: Iterable[Member], folder: Path, room: Room, where: str) -> list[LeftOut]:
    junk, links = 0, []
    with room:
        folder.mkdir(parents=True)
        for member in members:
            name = file_types.contained(member.name, where)
            if file_types.is_junk(name):
                junk += member.kind != "folder"
            elif member.kind == "file":
                _write(member, folder / name, room)
            elif member.kind == "other":
                links.append(name)
    rows = [LeftOut("link", LINK, len(links), links[0])] if links else []
    return rows + file_types.junk_row(junk)


def _write(member: Member, path: Path, room: Room) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, path.open("xb") as target:
        while block := source.read(BLOCK):
            room.add(len(block))
            target.write(block)
