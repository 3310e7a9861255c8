"""Reads params.yaml and says in one line each what is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML, YAMLError

from src.errors import AssayError
from src.nearest import suggestion
from src.params.sections import Params
from src.paths import PARAMS


def load(path: Path = PARAMS) -> Params:
    """Read and check a whole params file.

    Raises:
        AssayError: the file is missing, is not YAML, or holds unknown keys, wrong types or values out of range.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; run from the root of the repository") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise AssayError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error
    return parse(content, str(path))


def parse(content: Any, where: str = str(PARAMS)) -> Params:
    """Check a nested mapping as read from params.yaml; `where` names it in errors.

    Raises:
        AssayError: one line for every key that is wrong, with its value and what is allowed.
    """
    if not isinstance(content, Mapping):
        raise AssayError(f"{where}: expected sections such as dataset and train, found {type(content).__name__}")
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        lines = dict.fromkeys(_describe(detail) for detail in error.errors())
        raise AssayError("\nerror: ".join(f"{where}: {line}" for line in lines)) from None


def _describe(detail: ErrorDetails) -> str:
    location = tuple(part for part in detail["loc"] if isinstance(part, int) or "[" not in part)
    key = ".".join(str(part) for part in location)
    if detail["type"] == "extra_forbidden":
        known = _keys(location[:-1])
        return f"{key}: unknown key{suggestion(str(location[-1]), known)}; known: {', '.join(known)}"
    if detail["type"] == "missing":
        return f"{key}: missing"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if isinstance(detail["input"], Mapping):
        return f"{key}: {message}"
    expected = message if message.startswith("expected") else f"expected {message}"
    return f"{key}: {expected}; found {detail['input']!r}"


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """List the keys of the section at a location, () being the whole file."""
    section: type[BaseModel] = Params
    for part in location:
        kinds = [section.model_fields[str(part)].annotation]
        kinds += get_args(kinds[0])
        section = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(section.model_fields)
