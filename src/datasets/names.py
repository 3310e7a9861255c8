"""Names of files as they come from anywhere, made into relative posix paths that are safe and mean one thing."""

import re
import unicodedata

from src.errors import AssayError

JUNK = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_DRIVE = re.compile(r"^[A-Za-z]:")


def is_junk(name: str) -> bool:
    """Tell what operating systems leave behind, hidden files and folders included.

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
