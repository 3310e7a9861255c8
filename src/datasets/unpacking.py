"""Unpacks an archive from anywhere into a folder, and lets nothing of it out of there."""

import os
import posixpath
import shutil
from collections.abc import Iterable
from pathlib import Path

from src.datasets import archives, names
from src.datasets.archives import Member
from src.datasets.byte_progress import ByteProgress
from src.errors import AssayError

BLOCK = 2**20
GB = 10**9


def unpack(archive: Path, folder: Path, max_gb: float, where: str) -> int:
    """Unpack a .zip or .tar.* into a new folder without its junk, and count the junk files.

    Links are made files; `where` names the archive in errors.

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
        return junk + _resolve(links, folder, room, where)


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


def _resolve(links: Iterable[tuple[str, str]], folder: Path, room: _Room, where: str) -> int:
    """Put the linked file in the place of each link; count the links to junk and folders, which are left out."""
    left_out = 0
    pending = list(links)
    linked = {name for name, _ in pending}
    while pending:
        ready = [(name, target) for name, target in pending if target not in linked]
        if not ready:
            raise AssayError(f"{where}: expected links to files, found a circle of links at {pending[0][0]}")
        for name, target in ready:
            linked.remove(name)
            if (folder / target).is_file():
                _copy(folder / target, folder / name, room)
            else:
                left_out += 1
        pending = [(name, target) for name, target in pending if name in linked]
    return left_out


def _copy(source: Path, target: Path, room: _Room) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        room.add(source.stat().st_size)
        shutil.copyfile(source, target)
