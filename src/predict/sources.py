"""From what a person names to image files: files as they are, folders and archives searched, `-` a list to read."""

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from src.core.errors import AssayError
from src.core.paths import home
from src.download import archive, kinds, scan
from src.export.predictor import Source, Unreadable

log = logging.getLogger(__name__)
STDIN = "-"
TRACKED = re.compile(r"models:/.+|[0-9a-f]{32}")  # how MLflow calls models and runs
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_UNPACKED_GB = 20.0


def find(asked: Iterable[str], held: ExitStack, max_gb: float = MAX_UNPACKED_GB) -> list[Source | Unreadable]:
    """Return the images that the arguments stand for, in their order; what cannot be searched is unreadable.

    held: keeps what archives were unpacked to until it is closed. max_gb: of an archive, unpacked.
    """
    lists = (filter(None, sys.stdin.read().splitlines()) if name == STDIN else [name] for name in asked)
    return [found for argument in chain.from_iterable(lists) for found in _found(argument, held, max_gb)]


def bundle(name: str, held: ExitStack) -> Path:
    """Return the bundle that `--model` names; held: keeps one of MLflow's that is on a server until it is closed.

    Raises:
        AssayError: MLflow is not installed, or holds none of this name.
    """
    path = Path(name)
    if not TRACKED.fullmatch(name) or path.exists():
        return path
    try:
        from src.tracking import query
    except ImportError:  # in the application of a bundle
        raise AssayError(f"{name}: a model of MLflow is found by the repository alone: python -m src.predict") from None
    return query.bundle(name, home(), Path(held.enter_context(TemporaryDirectory(prefix="predict-"))))


def _found(argument: str, held: ExitStack, max_gb: float) -> Iterator[Source | Unreadable]:
    path = Path(argument)
    try:
        if path.is_dir():
            yield from _searched(path, argument)
        elif path.name.lower().endswith(ARCHIVES):
            yield from _unpacked(path, argument, held, max_gb)
        else:
            yield Source(argument, path)
    except AssayError as error:
        yield Unreadable(argument, str(error).removeprefix(f"{argument}: "))
    except OSError as error:
        yield Unreadable(argument, f"cannot be read: {error.strerror}")


def _unpacked(path: Path, name: str, held: ExitStack, max_gb: float) -> Iterator[Source | Unreadable]:
    if not path.is_file():
        raise AssayError(f"{name}: file not found")
    folder = Path(held.enter_context(TemporaryDirectory(prefix="predict-"))) / "unpacked"
    for row in archive.unpack(path, folder, max_gb, name):
        if row.kind == "link":
            log.warning("%s: left out: %d: %s", name, row.files, row.reason)
    yield from _searched(folder, name)


def _searched(folder: Path, name: str) -> list[Source | Unreadable]:
    """List the images below a folder by their names, but for hidden files and what operating systems leave aside.

    Raises:
        AssayError: there is nothing.
    """
    name, others = name.rstrip("/"), 0
    found: list[Source | Unreadable] = []

    def refused(error: OSError) -> None:
        inner = Path(error.filename).relative_to(folder).as_posix()
        found.append(Unreadable(f"{name}/{inner}".removesuffix("/."), f"cannot be read: {error.strerror}"))

    for root, folders, names in os.walk(folder, onerror=refused):
        folders.sort()
        for path in (Path(root, each) for each in sorted(names)):
            inner = path.relative_to(folder).as_posix()
            if scan.is_junk(inner):
                continue
            try:
                if kinds.is_image(inner, path):
                    found.append(Source(f"{name}/{inner}", path))
                else:
                    others += 1
            except OSError as error:
                refused(error)
    if not found:
        counted = f"{others} other file{'s' * (others > 1)}" if others else "an empty folder"
        raise AssayError(f"{name}: expected images, found {counted}")
    if others:
        log.info("%s: %d files are not called like images and are left out", name, others)
    return found
