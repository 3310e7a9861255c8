"""From a folder to a listing: junk left out, wrapping folders seen through, a nested copy of the whole left out."""

import csv
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from src.core.errors import AssayError
from src.core.files import digest, repeated
from src.download.manifest import fold_of

IMAGES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".jp2", ".ppm", ".pgm"}
    | {".dcm", ".dicom"}
)
HEAD = 132  # bytes; DICOM PS3.10, section 7.1: a preamble of 128 bytes, then DICM
MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF87a", b"GIF89a", b"\0\0\0\x0cjP  \r\n\x87\n")
_DVC_CACHE = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")

MAX_TEXT = 100 * 2**20

DOCUMENTS = frozenset({".md", ".txt", ".rst", ".pdf", ".html", ".htm", ".doc", ".docx", ".rtf"})
JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True)
class Skipped:
    """What was left out: junk files, files of a nested copy and its folder, files that are no images, empty folders."""

    junk: int = 0
    copied: int = 0
    copy: str = ""
    others: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()

    @property
    def kinds(self) -> str:
        """Return how many files that are no images there are of each kind."""
        return _kinds(dict.fromkeys(self.others, Path()), most=None) if self.others else ""


@dataclass(frozen=True)
class Listing:
    """The files of a source; `where` names it in errors."""

    files: Mapping[str, Path]
    images: tuple[str, ...]
    where: str

    def text(self, path: str) -> str:
        """Read a small text file in UTF-8.

        Raises:
            AssayError: it is missing, is too large for a table of images, or is not UTF-8.
        """
        file = self.files.get(path)
        if file is None:
            raise AssayError(f"{self.where}: expected the file {path}, found no such file")
        if file.stat().st_size > MAX_TEXT:
            raise AssayError(f"{self.where}: {path}: expected a text file below {MAX_TEXT >> 20} MB")
        try:
            return file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise AssayError(f"{self.where}: {path}: expected UTF-8, found other bytes at {error.start}") from error

    def table(self, path: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """Read these columns of a CSV file with a head line, stray spaces stripped.

        Raises:
            AssayError: as `text`, or a column is missing or there twice, or a quote is never closed.
        """
        return [row for _, row in self.numbered(path, columns)]

    def numbered(
        self, path: str, columns: Sequence[str], optional: Sequence[str] = ()
    ) -> list[tuple[int, dict[str, str]]]:
        """Read as `table` does, each row with its line number in the file; an optional column may be missing: "".

        Raises:
            AssayError: as `table`.
        """
        lines, head = self._lines(path), self.head(path)
        missing = [name for name in columns if name not in head]
        if missing:
            raise AssayError(
                f"{self.where}: {path}: expected the columns {', '.join(columns)}, "
                f"found {', '.join(head) or 'nothing'} (no {', '.join(missing)})"
            )
        if twice := repeated([name for name in head if name in (*columns, *optional)]):
            raise AssayError(
                f"{self.where}: {path}: expected each column once, found {', '.join(twice)} more than once"
            )
        places = {name: head.index(name) for name in (*columns, *optional) if name in head}
        blank = {name: "" for name in optional if name not in head}
        return [
            (line, {name: row[place].strip() if place < len(row) else "" for name, place in places.items()} | blank)
            for line, row in lines[1:]
            if any(cell.strip() for cell in row)
        ]

    def head(self, path: str) -> list[str]:
        """Return the names of the columns of a CSV file.

        Raises:
            AssayError: as `text`, or a quote is never closed.
        """
        lines = self._lines(path)
        return [name.strip() for name in lines[0][1]] if lines else []

    def _lines(self, path: str) -> list[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(self.text(path)), strict=True)
        try:
            return [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise AssayError(f"{self.where}: {path}: expected CSV, found {error}") from error


def scan(folder: Path, where: str) -> tuple[Listing, Skipped]:
    """List the files below a folder; `where` names the source in errors.

    Raises:
        AssayError: the folder holds no image, cannot be read, or has links or names that cannot be used.
    """
    found, junk = _walk(folder, where)
    files = _unwrapped(found)
    copy = _nested_copy(files)
    kept = _unwrapped({name: path for name, path in files.items() if not (copy and name.startswith(f"{copy}/"))})
    images = tuple(sorted(name for name, path in kept.items() if is_image(name, path)))
    if not images:
        raise AssayError(f"{where}: expected images ({', '.join(sorted(IMAGES))}), found {_kinds(kept)}")
    others = tuple(sorted(kept.keys() - set(images)))
    return Listing(kept, images, where), Skipped(junk, len(files) - len(kept), copy, others, _empty(folder))


def _empty(folder: Path) -> tuple[str, ...]:
    """Return the folders that hold nothing at all."""
    found = (Path(root).relative_to(folder).as_posix() for root, inner, names in os.walk(folder) if not inner + names)
    return tuple(sorted(name for name in found if not is_junk(name)))


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
        is_class = any("/" not in name and is_image(name, path) for name, path in inner.items())
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


def is_image(name: str, path: Path) -> bool:
    """Tell an image by its usual name or, whatever its name, by its first bytes; a damaged one is rejected later."""
    if PurePosixPath(name).suffix.lower() in IMAGES:
        return True
    if PurePosixPath(name).name.upper() == "DICOMDIR":
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    return head.startswith(MAGIC) or head[128:] == b"DICM" or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _kinds(files: Mapping[str, Path], most: int | None = 5) -> str:
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no extension" for name in files)
    found = [f"{count} {'file' if count == 1 else 'files'} with {kind}" for kind, count in kinds.most_common(most)]
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
