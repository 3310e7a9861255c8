"""YAML as plain values; what cannot be read is said in one line that names the file."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from src.errors import AssayError


def read(path: Path, hint: str = "run from the root of the repository") -> Any:
    """Read a file; `hint` says what to do where there is none. An empty file gives None.

    Raises:
        AssayError: the file is missing, or is not YAML.
    """
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; {hint}") from error
    except UnicodeDecodeError as error:
        raise AssayError(f"{path}: not readable as YAML: {error}") from error


def parsed(text: str, where: str) -> Any:
    """Read a text; `where` names it in errors.

    Raises:
        AssayError: it is not YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise AssayError(f"{where}: not readable as YAML: {' '.join(str(error).split())}") from error
