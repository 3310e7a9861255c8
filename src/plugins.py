"""Things chosen by name in params.yaml: each is one module in a package, and its name is the file's."""

import importlib
from pathlib import Path
from types import ModuleType

from src.errors import AssayError
from src.nearest import suggestion

_ROOT = Path(__file__).parent


def names(package: str) -> tuple[str, ...]:
    """List the modules of a package below src by file name, without importing any of them.

    >>> "covid_ct" in names("datasets.layouts")
    True
    """
    folder = _ROOT.joinpath(*package.split("."))
    return tuple(sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    """Import the one module that `name` stands for.

    Raises:
        AssayError: there is no such module; the message lists the choices.
    """
    known = names(package)
    if name not in known:
        raise AssayError(f"{package}: no {name!r}{suggestion(name, known)}; known: {', '.join(known)}")
    return importlib.import_module(f"src.{package}.{name}")
