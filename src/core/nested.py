"""Access nested mappings, such as params.yaml, by dotted keys: ``train.augment.flip``."""

from collections.abc import Iterator, Mapping
from typing import Any

from src.core.errors import AssayError, suggestion


def flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a nested mapping with their dotted keys.

    >>> dict(flat({"train": {"epochs": 3, "augment": {"flip": "none"}}}))
    {'train.epochs': 3, 'train.augment.flip': 'none'}
    """
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def get(nested: Any, key: str, where: str = "params.yaml") -> Any:
    """Return the value at a dotted key; `where` names the file in errors.

    >>> get({"train": {"epochs": 3}}, "train.epochs")
    3

    Raises:
        AssayError: there is no such key; the message names the nearest one.
    """
    for part in key.split("."):
        if not isinstance(nested, Mapping) or part not in nested:
            known = list(nested) if isinstance(nested, Mapping) else []
            choices = f"; known: {', '.join(known)}" if known else ""
            raise AssayError(f"{where}: {key}: unknown key{suggestion(part, known)}{choices}")
        nested = nested[part]
    return nested


def put(nested: Any, key: str, value: Any, where: str = "params.yaml") -> None:
    """Set the value at a dotted key; its section must exist.

    >>> params = {"train": {"epochs": 3}}
    >>> put(params, "train.epochs", 5)
    >>> params
    {'train': {'epochs': 5}}

    Raises:
        AssayError: there is no such section.
    """
    section, _, name = key.rpartition(".")
    inside = get(nested, section, where) if section else nested
    if not isinstance(inside, dict):
        raise AssayError(f"{where}: {key}: unknown key, since {section} is no section")
    inside[name] = value
