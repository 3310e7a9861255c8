"""Unpacks an archive from anywhere into a folder, and lets nothing of it out of there."""

import os
import posixpath
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from src.datasets import archives, names
from src.datasets.archives import Member
from src.datasets.byte_progress import ByteProgress
from src.errors import AssayError

BLOCK = 2**20
GB = 10**9


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
    spellings = names.Spellings(where)
    with archives.explained(where), _Room(max_gb, where, archives.claimed(archive, where)) as room:
        folder.mkdir(parents=True)
        for member in archives.members(archive, where):
            name = names.contained(member.name, where)
            if names.is_junk(name):
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
    """Give the path below the archive's top that a link stands for.

    Raises:
        AssayError: it leads out of the archive, or is a device, a pipe or the like.
    """
    if member.kind == "other":
        raise AssayError(f"{where}: expected files and folders, found the special file {name}; nothing of it is used")
    target = member.link.replace("\\", "/")
    if member.kind == "symlink" and not target.startswith("/"):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    try:
        return names.contained(target, where)
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
