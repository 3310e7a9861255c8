"""From a folder to a listing: junk left out, wrapping folders seen through, a nested copy of the whole left out."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from src.core.errors import AssayError
from src.core.files import digest
from src.download import kinds, masks
from src.download.kinds import IMAGES, LeftOut
from src.download.manifest import fold_of
from src.download.tables import Table, read_table

_DVC_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")

DOCUMENTS = frozenset({".md", ".txt", ".rst", ".pdf", ".html", ".htm", ".doc", ".docx", ".rtf"})
JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True)
class Skipped:
    """What was left out: junk files, files of a nested copy, and the folder that this copy is."""

    junk: int = 0
    copied: int = 0
    copy: str = ""


@dataclass(frozen=True)
class Listing:
    """The files of a source; `where` names it in errors. Masks, and what is no image, are counted in `left_out`."""

    files: Mapping[str, Path]
    images: tuple[str, ...]
    where: str
    left_out: tuple[LeftOut, ...] = ()

    def read(self, path: str) -> Table:
        """Read a table of a CSV, TSV or semicolon file with a head line.

        Raises:
            AssayError: it is missing, too large, not UTF-8, or a quote is never closed.
        """
        if path not in self.files:
            raise AssayError(f"{self.where}: expected the file {path}, found no such file")
        return read_table(self.files[path], path, self.where)

    def table(self, path: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """Read these columns of a table, stray spaces stripped.

        Raises:
            AssayError: as `read`, or it is not UTF-8, or a column is missing or there twice.
        """
        table = self.read(path)
        table.refuse_encoding()
        missing = [name for name in columns if name not in table.columns]
        if missing:
            raise AssayError(
                f"{table.where}: expected the columns {', '.join(columns)}, "
                f"found {', '.join(table.columns) or 'nothing'} (no {', '.join(missing)})"
            )
        table.refuse_twice(columns)
        places = {name: table.columns.index(name) for name in columns}
        return [{name: cells[place] for name, place in places.items()} for _, cells in table.rows]

    def head(self, path: str) -> list[str]:
        """Return the names of the columns of a table.

        Raises:
            AssayError: as `read`.
        """
        return list(self.read(path).columns)


def scan(folder: Path, where: str, *, keep_masks: bool = False) -> tuple[Listing, Skipped]:
    """List the files below a folder; `where` names the source in errors.

    Raises:
        AssayError: the folder holds no image, cannot be read, or has links or names that cannot be used.
    """
    found, junk = _walk(folder, where)
    files = _unwrapped(found)
    copy = _nested_copy(files)
    copied = {name: path for name, path in files.items() if copy and name.startswith(f"{copy}/")}
    kept = _unwrapped({name: path for name, path in files.items() if name not in copied})
    pictures = {name: path for name, path in kept.items() if kinds.is_image(name, path)}
    outlines = frozenset() if keep_masks else masks.find(list(pictures))
    kept = _unwrapped({name: path for name, path in kept.items() if name not in outlines})
    taken = {path for name, path in pictures.items() if name not in outlines}
    images = tuple(sorted(name for name, path in kept.items() if path in taken))
    if not images:
        raise AssayError(f"{where}: expected images ({', '.join(sorted(IMAGES))}), found {_kinds(kept)}")
    aside = {*copied.values(), *pictures.values()}
    left_out = kinds.count({name: path for name, path in found.items() if path not in aside})
    left_out += [LeftOut("mask", masks.REASON, len(outlines), min(outlines))] if outlines else []
    left_out += _without_images(folder, taken, aside)
    return Listing(kept, images, where, tuple(left_out)), Skipped(junk, len(copied), copy)


def _without_images(folder: Path, taken: Iterable[Path], aside: Iterable[Path]) -> list[LeftOut]:
    """Find folders beside those of the classes that hold no image: a class may have vanished with them."""
    direct = {os.fspath(path.parent) for path in taken}
    full = set(_ancestors(os.fspath(path.parent) for path in aside))
    beside = {os.path.dirname(path) for path in direct if path != os.fspath(folder)}  # noqa: PTH120 (a hundred thousand)
    empty = [
        path
        for above in sorted(beside)
        for path in sorted(entry.path for entry in os.scandir(above) if entry.is_dir(follow_symlinks=False))
        if path not in full and not is_junk(Path(path).relative_to(folder).as_posix())
    ]
    names = [Path(path).relative_to(folder).as_posix() for path in empty]
    return [LeftOut("folder", "it holds no image, so there is no class of its name", 1, name) for name in names]


def _ancestors(folders: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for folder in folders:
        while folder not in seen:
            seen.add(folder)
            yield folder
            folder = os.path.dirname(folder)  # noqa: PTH120


def _walk(folder: Path, where: str) -> tuple[dict[str, Path], int]:
    files: dict[str, Path] = {}
    junk = 0
    spellings = Spellings(where)
    for path in _paths(folder, where):
        name = path.relative_to(folder).as_posix()
        if is_junk(name):
            junk += 1
            continue
        if path.is_symlink() and not _stays_inside(path, folder, where):
            continue
        name = normal(name, where)
        spellings.add(name)
        files[name] = path
    return files, junk


def _paths(folder: Path, where: str) -> Iterator[Path]:
    """Yield all files, and the links to folders, which are not followed."""

    def refuse(error: OSError) -> None:
        raise AssayError(f"{where}: {error.filename}: cannot be read ({error.strerror})") from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            yield Path(root, name)
        for name in folders:
            if (path := Path(root, name)).is_symlink():
                yield path


def _stays_inside(link: Path, folder: Path, where: str) -> bool:
    """Return whether a link stands for a file of the source; a link to a folder of the source only repeats it.

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
    """Take away folders on top that hold all but documents such as a README, and are neither a class nor a fold."""
    while len(tops := {name.partition("/")[0] for name in files if not _is_document(name)}) == 1:
        inner = {name.partition("/")[2]: path for name, path in files.items() if not _is_document(name)}
        is_class = any("/" not in name and kinds.is_image(name, path) for name, path in inner.items())
        if "" in inner or is_class or fold_of(tops.pop()):
            break
        files = inner
    return files


def _is_document(name: str) -> bool:
    """Tell a text that stands on top, beside the folder of the data."""
    return "/" not in name and (
        PurePosixPath(name.lower()).suffix in DOCUMENTS or name.lower() in {"readme", "license", "licence"}
    )


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
    return all(a.stat().st_size == b.stat().st_size for a, b in pairs) and all(digest(a) == digest(b) for a, b in pairs)


def _kinds(files: Mapping[str, Path]) -> str:
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no extension" for name in files)
    found = [f"{count} {'file' if count == 1 else 'files'} with {kind}" for kind, count in kinds.most_common(5)]
    return ", ".join(found) or "an empty folder"


def is_junk(name: str) -> bool:
    """Return whether a name is what operating systems leave behind, hidden files and folders included.

    >>> is_junk("__MACOSX/a/b.png"), is_junk("a/._b.png"), is_junk("a/b.png")
    (True, True, False)
    """
    return any(part.startswith(".") or part.lower() in JUNK for part in name.split("/"))


def normal(name: str, where: str) -> str:
    """Compose accents (NFC), which macOS stores apart, and refuse what a manifest cannot hold.

    Raises:
        AssayError: a control character, or bytes that are no UTF-8.
    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise AssayError(f"{where}: expected file names in UTF-8, found {name!a}; rename it") from error
    if not name.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in name):
        raise AssayError(f"{where}: expected file names without control characters, found {name!r}; rename it")
    return unicodedata.normalize("NFC", name)


def contained(name: str, where: str) -> str:
    """Make the name of an archive's member a path below the folder it is unpacked to; "" is that folder.

    Backslashes count as slashes: archives made on Windows hold them, and there they would act as such.

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


class Spellings:
    """The paths seen so far, to notice two that a case-insensitive file system takes for one."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._files: set[str] = set()
        self._seen: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Add the path of a file.

        Raises:
            AssayError: the file is there already, or one of its folders or itself is, in another spelling.
        """
        if name in self._files:
            raise AssayError(f"{self._where}: expected each file once, found {name} twice")
        self._files.add(name)
        path = name
        while path and self._seen.get(path.lower()) != path:
            other = self._seen.setdefault(path.lower(), path)
            if other != path:
                raise AssayError(
                    f"{self._where}: expected names that differ by more than upper and lower case, "
                    f"found {other} and {path}; rename one"
                )
            path = path.rpartition("/")[0]
