"""Validation errors in the words of a person who edits params.yaml."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from src.nearest import suggestion
from src.params.sections import Params

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
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "too_short": "at least {min_length} entry",
    "tuple_type": "a list",
}


def describe(error: ValidationError) -> list[str]:
    """Give one line for each wrong key: the key, what is allowed, and what was found."""
    details = error.errors()
    places = [detail["loc"] for detail in details]
    # A list whose entries are wrong is also reported as too short: the entries say more.
    deepest = [d for d in details if not any(len(p) > len(d["loc"]) and p[: len(d["loc"])] == d["loc"] for p in places)]
    return [_line(detail) for detail in deepest]


def _line(detail: ErrorDetails) -> str:
    location = detail["loc"]
    key = ".".join(str(part) for part in location)
    found = f"found {detail['input']!r}"
    match detail["type"]:
        case "missing":
            return f"{key}: missing"
        case "extra_forbidden":
            known = _keys(location[:-1])
            return f"{key}: unknown key{suggestion(str(location[-1]), known)}; known: {', '.join(known)}"
        case "model_type" | "model_attributes_type":
            return f"{key}: expected a section with the keys {', '.join(_keys(location))}; {found}"
        case "literal_error":
            choices = [word.strip("'") for word in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
            return f"{key}: expected one of {', '.join(choices)}{suggestion(str(detail['input']), choices)}; {found}"
        case "value_error":
            message = str(detail["ctx"]["error"])
            return f"{key}: {message}" if isinstance(detail["input"], dict) else f"{key}: {message}; {found}"
        case kind:
            expected = _EXPECTED.get(kind, detail["msg"]).format(**detail.get("ctx", {}))
            return f"{key}: expected {expected}; {found}"


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """List the keys of the section at a location, () being the whole file."""
    section: type[BaseModel] = Params
    parts = iter(location)
    for part in parts:
        annotation: Any = section.model_fields[str(part)].annotation
        if get_origin(annotation) is dict:
            next(parts, None)  # a key that the person chose
        kinds = (annotation, *get_args(annotation))
        section = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(section.model_fields)
