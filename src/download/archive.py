"""The members of .zip and .tar.* archives behind one face; what they claim is not believed here but in unpacking."""

import lzma
import os
import posixpath
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Self, cast

from src.core.errors import AssayError
from src.core.files import NO_ROOM
from src.core.progress import ByteProgress
from src.download import scan

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
GB = 10**9


def kind(path: Path, where: str) -> Literal["zip", "tar"]:
    """Distinguish zip from tar by content, since a URL need not have an extension and extensions lie.

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


def members(path: Path, where: str) -> Iterator[Member]:
    """Yield the members of an archive in their order; open each before asking for the next."""
    return _zipped(path, where) if kind(path, where) == "zip" else _tarred(path)


def claimed(path: Path, where: str) -> int:
    """Return the unpacked size in bytes that a zip claims; 0 for a tar, which has no table of contents."""
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


@dataclass(frozen=True)
class LeftOut:
    """What of an archive was not unpacked: the number of junk files, and the links that lead to no file in it."""

    junk: int = 0
    links: tuple[str, ...] = ()


def unpack(archive: Path, folder: Path, max_gb: float, where: str) -> LeftOut:
    """Unpack a .zip or .tar.* into a new folder without its junk, and return what was left out.

    Links become the files that they lead to; `where` names the archive in errors.

    Raises:
        AssayError: it is no archive, is damaged or encrypted, unpacks to more than `max_gb` (counted in bytes
            written, whatever its table says), or has a member that leads out of the folder or is no plain file.
    """
    junk = 0
    links: list[tuple[str, str]] = []
    spellings = scan.Spellings(where)
    with explained(where), _Room(max_gb, where, claimed(archive, where)) as room:
        folder.mkdir(parents=True)
        for member in members(archive, where):
            name = scan.contained(member.name, where)
            if scan.is_junk(name):
                junk += member.kind != "folder"
            elif member.kind != "folder":
                spellings.add(name)
                if member.kind == "file":
                    _write(member, folder / name, room)
                else:
                    links.append((name, _link_target(member, name, where)))
        return LeftOut(junk, _resolve(dict(links), folder, room, where))


class _Room(ByteProgress):
    """Counts the bytes written and stops at the limit."""

    def __init__(self, max_gb: float, where: str, claimed: int) -> None:
        super().__init__("unpack", claimed or None)
        self._limit = max_gb * GB
        self._where = where
        self._check(claimed)

    def add(self, count: int) -> None:
        super().add(count)
        self._check(self.done)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise AssayError(
                f"{self._where}: expected at most {self._limit / GB:g} GB unpacked, found more; "
                f"if you trust it, raise dataset.max_unpacked_gb"
            )


def _write(member: Member, path: Path, room: _Room) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, path.open("xb") as target:
        while block := source.read(BLOCK):
            room.add(len(block))
            target.write(block)


def _link_target(member: Member, name: str, where: str) -> str:
    """Return the path below the archive's top that a link stands for.

    Raises:
        AssayError: it leads out of the archive, or is a device, a pipe or the like.
    """
    if member.kind == "other":
        raise AssayError(f"{where}: expected files and folders, found the special file {name}; nothing of it is used")
    target = member.link.replace("\\", "/")
    if member.kind == "symlink" and not target.startswith("/"):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    try:
        return scan.contained(target, where)
    except AssayError as error:
        raise AssayError(
            f"{where}: expected no link that leads out of the archive, found {name} -> {member.link}; "
            "nothing of it is used"
        ) from error


def _resolve(links: Mapping[str, str], folder: Path, room: _Room, where: str) -> tuple[str, ...]:
    """Put the linked file in the place of each link; return the links that lead to no file, which are left out."""
    ends: dict[str, str] = {}
    for name in links:
        _follow(name, links, ends, where)
    broken = tuple(name for name, end in ends.items() if not (folder / end).is_file())
    for name in ends.keys() - set(broken):
        _copy(folder / ends[name], folder / name, room)
    return broken


def _follow(name: str, links: Mapping[str, str], ends: dict[str, str], where: str) -> None:
    """Note where a link ends, and all links on the way to there, so that each is followed once."""
    way: dict[str, None] = {}  # a set that keeps its order
    while name in links and name not in ends:
        if name in way:
            raise AssayError(f"{where}: expected links to files, found a circle of links at {name}")
        way[name] = None
        name = links[name]
    ends.update(dict.fromkeys(way, ends.get(name, name)))


def _copy(source: Path, target: Path, room: _Room) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        room.add(source.stat().st_size)
        shutil.copyfile(source, target)
