"""One value of a YAML text exchanged for another, every other letter left alone.

The parser only finds where a value stands. ruamel's round trip does not keep params.yaml and the presets: it joins a
mapping in braces that stands below its key with the line of the key, behind 120 columns, and moves the comment of the
key behind it; it breaks a list that is replaced into lines; it writes 1.0e-5 as 1e-05, to YAML 1.1 a text.
"""

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

PLAIN = re.compile(r"[A-Za-z_/][\w./-]*")
COMMENT = re.compile(r" +(?=#)")
INDENT = 2


def put(text: str, keys: Sequence[str], value: Any) -> str:
    """Exchange the value at a path of keys; keys that are missing are added at the end of their section."""
    node, missing = _find(YAML().compose(text), keys)
    if missing:
        return _added(text, node, missing[0], _nested(missing[1:], value))
    return _put(text, node, value)


def _put(text: str, node: Node, value: Any) -> str:
    space = " " if _in_lines(node) else ""
    return _exchanged(text, _start(text, node), _end(node), space + _like(node, value))


def put_all(text: str, values: Mapping[str, Any]) -> str:
    """Exchange the values of dotted keys that are all there; the text is read once, which is what takes the time."""
    if any(key.startswith(f"{outer}.") for key in values for outer in values):
        return reduce(lambda changed, key: put(changed, key.split("."), values[key]), values, text)
    root = YAML().compose(text)
    places = {key: _find(root, key.split("."))[0] for key in values}
    for key in sorted(values, key=lambda key: -places[key].start_mark.index):  # what stands before stays where it is
        text = _put(text, places[key], values[key])
    return text


def written(value: Any) -> str:
    """Write a value on one line, numbers so that every version of YAML reads them as numbers.

    >>> written({"rate": 1e-05, "steps": ["gray", "no"], "size": None})
    "{rate: 1.0e-05, steps: [gray, 'no'], size: null}"
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            digits, _, exponent = repr(value).partition("e")
            return f"{digits if '.' in digits else f'{digits}.0'}e{exponent}" if exponent else digits
        case str():
            return value if _is_plain(value) else "'" + value.replace("'", "''") + "'"
        case Mapping():
            return "{" + ", ".join(f"{written(key)}: {written(part)}" for key, part in value.items()) + "}"
        case _:
            return "[" + ", ".join(map(written, value)) + "]"


def _is_plain(word: str) -> bool:
    """Return whether a word needs no quotes, also not where yes, no, on and off mean true and false (YAML 1.1)."""
    booleans = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
    return bool(PLAIN.fullmatch(word)) and word.lower() not in booleans


def _find(node: Node, keys: Sequence[str]) -> tuple[Node, list[str]]:
    """Return the node at a path, or the last one on the way and the keys that are missing from there."""
    for place, key in enumerate(keys):
        inside = {each.value: part for each, part in node.value} if isinstance(node, MappingNode) else {}
        if key not in inside:
            return node, list(keys[place:])
        node = inside[key]
    return node, []


def _exchanged(text: str, start: int, end: int, new: str) -> str:
    """Put new text between two places; a comment behind it stays in its column where there is room."""
    rest = text[end:]
    if (gap := COMMENT.match(rest)) and "\n" not in text[start:end]:
        spaces = max(1, len(gap[0]) + (end - start) - len(new))
        rest = " " * spaces + rest[gap.end() :]
    return text[:start] + new + rest


def _like(node: Node, value: Any) -> str:
    """Write a value in the quotes that stand around the old one."""
    if isinstance(node, ScalarNode) and node.style == '"' and isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(node, ScalarNode) and node.style == "'" and isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return written(value)


def _start(text: str, node: Node) -> int:
    """Return where a value begins: of one in lines of its own, behind the colon of its key."""
    start: int = node.start_mark.index
    if _in_lines(node):
        return text.rindex(":", 0, start) + 1
    return start


def _end(node: Node) -> int:
    """Return where a value ends; the parser takes what follows one in lines of its own for a part of it."""
    if _in_lines(node) and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end


def _in_lines(node: Node) -> bool:
    return not isinstance(node, ScalarNode) and not getattr(node, "flow_style", True)


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _added(text: str, section: Node, key: str, value: Any) -> str:
    """Add a key at the end of a section: on a line of its own, or before the closing brace."""
    if not _in_lines(section):
        place = section.end_mark.index - 1
        comma = ", " if section.value else ""
        return f"{text[:place]}{comma}{key}: {written(value)}{text[place:]}"
    indent = " " * section.value[0][0].start_mark.column
    place = text.find("\n", _end(section))
    line = f"\n{indent}{key}: {written(value)}"
    return text + line + "\n" if place < 0 else text[:place] + line + text[place:]
