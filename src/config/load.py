"""Read and validate params.yaml, with error messages for the person who edits it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from src.config.sections import Params
from src.core import yaml_file
from src.core.errors import AssayError, shortened, suggestion
from src.core.paths import PARAMS

MOST = 20  # lines; with more, the first ones would scroll off the screen
HOME = "every key is required; copy the line from a file in presets/"

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping, or {{}} for none",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "int_type": "an integer",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_type": "a text",
    "string_too_long": "a text of at most {max_length} characters",
    "string_too_short": "a text that is not empty",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entry",
    "tuple_type": "a list",
}


def describe(error: ValidationError) -> list[str]:
    """Return one line for each invalid key: the key, what is allowed, and what was found."""
    details = error.errors()
    places = [detail["loc"] for detail in details]
    # pydantic also reports a list with invalid entries as too short: only the errors of its entries are kept.
    deepest = [
        detail
        for detail in details
        if not any(len(p) > len(detail["loc"]) and p[: len(detail["loc"])] == detail["loc"] for p in places)
    ]
    lines = [_line(detail) for detail in deepest[:MOST]]
    return lines + [f"{len(deepest) - MOST} more keys are wrong"] * (len(deepest) > MOST)


def _line(detail: ErrorDetails) -> str:
    location = detail["loc"]
    key, value = _key(location), detail["input"]
    found = f"found {shortened(repr(value))}"
    match detail["type"]:
        case "missing":
            return f"{key}: missing; {HOME}"
        case "extra_forbidden":
            known = _keys(location[:-1])
            return f"{key}: unknown key{suggestion(_word(location[-1]), known)}; known: {', '.join(known)}"
        case "model_type" | "model_attributes_type":
            return f"{key}: expected a section with the keys {', '.join(_keys(location))}; {found}"
        case "literal_error":
            choices = [word.strip("'") for word in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            return f"{key}: expected one of {', '.join(choices)}{suggestion(_word(value), choices)}; {found}"
        case "string_type" if isinstance(value, bool | int | float):
            quoted = f"'{str(value).lower()}'" if isinstance(value, bool) else f"'{shortened(str(value))}'"
            return f"{key}: expected a text; did you mean {quoted}, in quotes?; {found}"
        case "value_error":
            message = str(detail["ctx"]["error"])
            where = f"{key}: " if key else ""  # the message of a check across sections names the key itself
            return f"{where}{message}" if isinstance(value, dict) else f"{where}{message}; {found}"
        case kind:
            expected = _EXPECTED.get(kind, detail["msg"]).format(**detail.get("ctx", {}))
            return f"{key}: expected {expected}; {found}"


def _key(location: tuple[int | str, ...]) -> str:
    """Return the dotted name of a location. If the key of a mapping is itself invalid, pydantic marks it with [key]."""
    return ".".join(_word(part) for part in location if part != "[key]")


def _word(part: object) -> str:
    return shortened(str(part))


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at a location, () being the whole file."""
    section: type[BaseModel] = Params
    parts = iter(location)
    for part in parts:
        annotation: Any = section.model_fields[str(part)].annotation
        if get_origin(annotation) is dict:
            next(parts, None)  # a key that the user chose
        kinds = (annotation, *get_args(annotation))
        section = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(section.model_fields)


def load(path: Path = PARAMS) -> Params:
    """Read and validate a complete params file.

    Raises:
        AssayError: the file is missing, is not YAML, or holds unknown keys, wrong types or values out of range.
    """
    return parse(yaml_file.read(path), str(path))


def parse(content: Any, where: str = str(PARAMS)) -> Params:
    """Validate a nested mapping as read from params.yaml; `where` names it in errors.

    Raises:
        AssayError: a key is invalid; the message has a line for each one, with its value and what is allowed.
    """
    if not isinstance(content, Mapping):
        raise AssayError(f"{where}: expected sections such as dataset and train, found {type(content).__name__}")
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise AssayError("\nerror: ".join(f"{where}: {line}" for line in describe(error))) from None
