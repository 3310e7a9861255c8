"""From a folder to a listing, without junk, without wrapping folders, and without a nested copy of the whole."""

import filecmp
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from src.core.errors import AssayError
from src.download import file_types
from src.download.file_types import IMAGES, LeftOut
from src.download.manifest import fold_of
from src.download.tables import Table, read_table

_DVC_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")

DOCUMENTS = frozenset({".md", ".txt", ".rst", ".pdf", ".html", ".htm", ".doc", ".docx", ".rtf"})


@dataclass
class Notes:
    """What reading the labels reveals besides the labels themselves.

    says: how they were read, and which tables are about something else. doubts: tables that may contain the labels
    nevertheless. groups: where the groups come from. tables: names of the tables that were read. listed: the number of
    images of each class according to a table of the source.
    """

    says: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    groups: str = ""
    tables: set[str] = field(default_factory=set)
    listed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """The files of a source by path, without wrapping folders; `where` names the source in errors.

    left_out: rows about masks, copies and junk. others: all files that are not images.
    """

    files: Mapping[str, Path]
    images: tuple[str, ...]
    where: str
    left_out: tuple[LeftOut, ...] = ()
    others: Mapping[str, Path] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes, compare=False)

    def read(self, path: str) -> Table:
        """Read a CSV, TSV or semicolon-separated table with a header line.

        Raises:
            AssayError: the file is missing or too large, or a quote is never closed.
        """
        if path not in self.files:
            raise AssayError(f"{self.where}: expected the file {path}, found no such file")
        return read_table(self.files[path], path, self.where)


def scan(folder: Path, where: str, *, keep_masks: bool = False) -> Listing:
    """List the files below a folder; `where` names the source in errors.

    Raises:
        AssayError: the folder holds no image, cannot be read, or has links or names that cannot be used.
    """
    found, junk = _walk(folder, where)
    files = _unwrapped(found)
    copy = _nested_copy(files)
    copied = {name: path for name, path in files.items() if copy and name.startswith(f"{copy}/")}
    kept = _unwrapped({name: path for name, path in files.items() if name not in copied})
    pictures = {name: path for name, path in kept.items() if file_types.is_image(name, path)}
    outlines = frozenset() if keep_masks else file_types.masks(list(pictures))
    kept = _unwrapped({name: path for name, path in kept.items() if name not in outlines})
    taken = {path for name, path in pictures.items() if name not in outlines}
    images = tuple(sorted(name for name, path in kept.items() if path in taken))
    if not images:
        raise AssayError(f"{where}: expected images ({', '.join(sorted(IMAGES))}), found {_kinds(kept)}")
    aside = {*copied.values(), *pictures.values()}
    left_out = [LeftOut("mask", file_types.IS_MASK, len(outlines), min(outlines))] if outlines else []
    left_out += _without_images(folder, taken, aside)
    left_out += [LeftOut("copy", "its folder repeats what is beside it", len(copied), copy)] if copy else []
    others = {name: path for name, path in found.items() if path not in aside}
    return Listing(kept, images, where, (*left_out, *file_types.junk_row(junk)), others)


def _without_images(folder: Path, taken: Iterable[Path], aside: Iterable[Path]) -> list[LeftOut]:
    """Find folders without images beside the class folders: each may be a class that has lost its images."""
    beside = {path.parent for path in {path.parent for path in taken} if path != folder}
    full = {above for path in {path.parent for path in aside} for above in (path, *path.parents)}
    inner = (path / name for path in sorted(beside) for name in sorted(next(os.walk(path))[1]))
    empty = (path.relative_to(folder).as_posix() for path in inner if path not in full and not path.is_symlink())
    reason = "it holds no image, so there is no class of its name"
    return [LeftOut("folder", reason, 1, name) for name in empty if not file_types.is_junk(name)]


def _walk(folder: Path, where: str) -> tuple[dict[str, Path], int]:
    """Return all files, and links to files of the source, by name below the folder; and the number of junk files.

    Raises:
        AssayError: a folder cannot be read, a link leads out of the source, or a name cannot be used.
    """
    files: dict[str, Path] = {}
    junk = 0

    def refuse(error: OSError) -> None:
        raise AssayError(f"{where}: {error.filename}: cannot be read ({error.strerror})") from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(root, name))]  # noqa: PTH114, PTH118 (speed)
        for path in (Path(root, name) for name in (*sorted(names), *links)):
            name = path.relative_to(folder).as_posix()
            if file_types.is_junk(name):
                junk += 1
            elif not path.is_symlink() or _stays_inside(path, folder, where):
                name = file_types.normal(name, where)
                if name in files:
                    raise AssayError(f"{where}: expected each file once, found {name} in two spellings; rename one")
                files[name] = path
    return files, junk


def _stays_inside(link: Path, folder: Path, where: str) -> bool:
    """Return whether a link leads to a file; a link to a folder of the source would only repeat its files.

    Links into a DVC cache are allowed: with cache type symlink, every file of data/ is a link into .dvc/cache.

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
    """Remove top folders that hold everything but documents such as a README, and are neither a class nor a fold."""
    while len(tops := {name.partition("/")[0] for name in files if not _is_document(name)}) == 1:
        inner = {name.partition("/")[2]: path for name, path in files.items() if not _is_document(name)}
        is_class = any("/" not in name and file_types.is_image(name, path) for name, path in inner.items())
        if "" in inner or is_class or fold_of(tops.pop()):
            break
        files = inner
    return files


def _is_document(name: str) -> bool:
    """Return whether a file is a document at the top, beside the folder of the data."""
    return "/" not in name and (
        PurePosixPath(name.lower()).suffix in DOCUMENTS or name.lower() in {"readme", "license", "licence"}
    )


def _nested_copy(files: Mapping[str, Path]) -> str:
    """Return the top folder that repeats exactly what is beside it (same paths, same bytes), or "" if there is none."""
    counts = Counter(name.partition("/")[0] for name in files if "/" in name)
    for inner in sorted(top for top, count in counts.items() if 2 * count == len(files)):
        copies = {name.partition("/")[2]: path for name, path in files.items() if name.startswith(f"{inner}/")}
        beside = {name: path for name, path in files.items() if not name.startswith(f"{inner}/")}
        # A data set has folders: a class folder with one image that is also above it is not a copy of the whole.
        alike = copies.keys() == beside.keys() and any("/" in name for name in copies)
        if alike and all(filecmp.cmp(path, beside[name], shallow=False) for name, path in copies.items()):
            return inner
    return ""


def _kinds(files: Mapping[str, Path]) -> str:
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no extension" for name in files)
    found = [f"{count} {'file' if count == 1 else 'files'} with {kind}" for kind, count in kinds.most_common(5)]
    return ", ".join(found) or "an empty folder"
