"""Read YAML as plain values, and replace values in a YAML text.

A text that is not YAML, or far larger than our files, raises a one-line error. Values are replaced in the way of DVC's
own writer, so that `dvc exp run -S` and this module write the same file: comments, order and quotes are kept. To keep
everything else unchanged, params.yaml and the presets have comments on their own lines and short mappings in braces.
"""

import io
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from src.core.errors import AssayError, shortened

# Far above the size of params.yaml, a preset or dvc.lock; a file just below the limits is read in about a second.
MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_VALUES = 4_000
MAX_DIGITS = 40
MESSAGE = 300  # characters of the parser's own message
INTEGER = "tag:yaml.org,2002:int"


def read(path: Path, hint: str = "run from the root of the repository") -> Any:
    """Read a file; `hint` tells the user what to do if it does not exist. An empty file gives None.

    Raises:
        AssayError: the file is missing, is not YAML, or is too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return parsed(content.decode("utf-8"), str(path))
    except FileNotFoundError as error:
        raise AssayError(f"{path}: not found; {hint}") from error
    except UnicodeDecodeError as error:
        if len(content) > MAX_BYTES:
            raise AssayError(f"{path}: {_too_large()}") from None
        raise AssayError(f"{path}: not readable as YAML: {error}") from error


def parsed(text: str, where: str) -> Any:
    """Read a YAML text as plain values; `where` names it in errors.

    Raises:
        AssayError: it is not YAML, or is too large.
    """
    if len(text) > MAX_BYTES:
        raise AssayError(f"{where}: {_too_large()}")
    try:
        return deepcopy(_loaded(text))
    except _BeyondLimitError as error:
        raise AssayError(f"{where}: {error}") from None
    except MaxDepthExceededError:
        raise AssayError(f"{where}: expected at most {MAX_DEPTH} levels of sections and lists, found more") from None
    # Besides its own errors, the parser passes on those of int(), datetime() and dict().
    except (YAMLError, ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        reason = shortened(" ".join(str(error).split()), MESSAGE)
        raise AssayError(f"{where}: not readable as YAML: {reason}") from error


@lru_cache(maxsize=8)  # a stage reads params.yaml and dvc.lock several times
def _loaded(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Bounded
    yaml.max_depth = MAX_DEPTH
    return yaml.load(text)


def put_all(text: str, values: Mapping[str, Any]) -> str:
    """Return the text with the values at dotted keys replaced; missing keys are added at the end of their section."""
    yaml = YAML()
    yaml.default_flow_style = False
    content = yaml.load(text)
    for key, value in values.items():
        *outer, last = key.split(".")
        section = content
        for name in outer:
            section = section.setdefault(name, {})
        section[last] = value
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def written(value: Any) -> str:
    """Return a value as YAML on one line.

    >>> written({"rate": 1e-05, "steps": ["gray", "no"], "size": None})
    '{rate: 1e-05, steps: [gray, no], size: null}'
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, 1 << 20
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue().removesuffix("...\n").strip()


class _BeyondLimitError(Exception):
    """A text exceeds one of the limits; the message says which."""


class _Bounded(Composer):
    """Composes YAML while counting its values; the values of an alias count every time the alias is used."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.values = 0
        self.weights: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event, before = self.parser.peek_event(), self.values
        if isinstance(event, AliasEvent):
            self._count(self._weight(event), event)
            return super().compose_node(parent, index)
        self._count(1, event)
        node = super().compose_node(parent, index)
        if event.anchor is not None:
            self.weights[event.anchor] = self.values - before
        if str(node.tag) == INTEGER and len(node.value) > MAX_DIGITS:
            self._refuse(f"expected a number of at most {MAX_DIGITS} digits, found {len(node.value)} characters", event)
        return node

    def _weight(self, event: AliasEvent) -> int:
        if event.anchor in self.anchors and event.anchor not in self.weights:
            self._refuse(f"expected no alias within what it stands for, found *{shortened(event.anchor)}", event)
        return self.weights.get(event.anchor, 1)

    def _count(self, more: int, event: Any) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            self._refuse(f"expected at most {MAX_VALUES} values, aliases written out, found more", event)

    def _refuse(self, what: str, event: Any) -> None:
        raise _BeyondLimitError(f"line {event.start_mark.line + 1}: {what}")


def _too_large() -> str:
    return f"expected at most {MAX_BYTES // 1024} KB, found more"
