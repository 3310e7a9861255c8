"""Other values in the text of a params file; all around them, comments included, stays as it is."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node

from src.errors import AssayError
from src.nearest import suggestion

Changes = Mapping[str, Any]
PAIR = re.compile(r"\s+(?=[a-z_0-9]+(?:\.[a-z_0-9]+)*=)")
PLAIN = re.compile(r"[A-Za-z_./][\w./-]*", re.ASCII)
COMMENT = re.compile(r" +(?=#)")


def given(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs, of which a text may hold several with spaces between; values are YAML.

    >>> given(["split.by=image train.learning_rate=1e-3", "preprocess.steps=[gray, resize]"])
    {'split.by': 'image', 'train.learning_rate': 0.001, 'preprocess.steps': ['gray', 'resize']}

    Raises:
        AssayError: a text is no such pair, or its value is not YAML.
    """
    found: dict[str, Any] = {}
    for pair in (pair for text in texts for pair in PAIR.split(text.strip())):
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise AssayError(f"--set: expected key=value, such as split.by=image; found {pair!r}")
        try:
            found[key] = YAML(typ="safe", pure=True).load(value)
        except YAMLError as error:
            raise AssayError(f"--set: {key}: expected a value in YAML, found {value!r}") from error
    return found


def changed(text: str, changes: Changes, where: str) -> str:
    """Put other values in the place of those of dotted keys; `where` names the file in errors.

    Raises:
        AssayError: there is no such key, or it holds a whole section.
    """
    for key, value in changes.items():
        node = _find(text, key, where)
        text = _replaced(text, node.start_mark.index, node.end_mark.index, written(value))
    return text


def written(value: Any) -> str:
    """Write a value in one line of YAML.

    >>> written({"a": [1, 0.5, None, True], "b": "../my scans"})
    '{a: [1, 0.5, null, true], b: "../my scans"}'
    """
    match value:
        case Mapping():
            return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(written, value)) + "]"
        case str():
            plain = PLAIN.fullmatch(value) and YAML(typ="safe", pure=True).load(value) == value
            return value if plain else json.dumps(value, ensure_ascii=False)
        case _:
            return json.dumps(value)


def _find(text: str, key: str, where: str) -> Node:
    node: Node = YAML(typ="safe", pure=True).compose(text)
    for part in key.split("."):
        values = {name.value: value for name, value in node.value} if isinstance(node, MappingNode) else {}
        if part not in values:
            known = f"; known: {', '.join(values)}" if values else ""
            raise AssayError(f"{where}: {key}: unknown key{suggestion(part, values)}{known}")
        node = values[part]
    if isinstance(node, MappingNode) and not node.flow_style:
        keys = ", ".join(f"{key}.{name.value}" for name, _ in node.value)
        raise AssayError(f"{where}: {key}: expected one value, found a section; known: {keys}")
    return node


def _replaced(text: str, start: int, end: int, value: str) -> str:
    """Replace a part of the text; a comment behind it stays in its column where there is room."""
    before, after = text[:start], text[end:]
    line, newline, rest = after.partition("\n")
    if gap := COMMENT.match(line):
        line = " " * max(2, end - start + gap.end() - len(value)) + line[gap.end() :]
    return before + value + line + newline + rest
