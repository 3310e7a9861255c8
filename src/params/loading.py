"""Reads params.yaml and says in one line each what is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from src import yaml_reading
from src.errors import AssayError
from src.params.messages import describe
from src.params.sections import Params
from src.paths import PARAMS


def load(path: Path = PARAMS) -> Params:
    """Read and check a whole params file.

    Raises:
        AssayError: the file is missing, is not YAML, or holds unknown keys, wrong types or values out of range.
    """
    return parse(yaml_reading.read(path), str(path))


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
        raise AssayError("\nerror: ".join(f"{where}: {line}" for line in describe(error))) from None
