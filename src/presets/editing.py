"""Other values in the text of a params file; all around them, comments included, stays as it is."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from src import yaml_reading, yaml_text
from src.errors import AssayError
from src.nearest import suggestion
from src.params.messages import RENAMED

PAIR = re.compile(r"\s+(?=[a-z_0-9]+(?:\.[a-z_0-9]+)*=)")


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
            found[key] = yaml_reading.parsed(value, key)
        except AssayError as error:
            raise AssayError(f"--set: {key}: expected a value in YAML, found {value!r}") from error
    return found


def changed(text: str, changes: Mapping[str, Any], where: str) -> str:
    """Put other values in the place of those of dotted keys; `where` names the file in errors.

    Raises:
        AssayError: there is no such key, or it holds a whole section.
    """
    content = yaml_reading.parsed(text, where)
    for key, value in changes.items():
        _check(content, key, where)
        text = yaml_text.put(text, key.split("."), value)
    return text


def _check(content: Any, key: str, where: str) -> None:
    """Make sure that a key is there: a misspelt one would be added, and change nothing."""
    if key in RENAMED:
        raise AssayError(f"{where}: {key}: now called {RENAMED[key]}")
    for part in key.split("."):
        if not isinstance(content, Mapping) or part not in content:
            known = list(content) if isinstance(content, Mapping) else []
            raise AssayError(
                f"{where}: {key}: unknown key{suggestion(part, known)}" + (f"; known: {', '.join(known)}" * bool(known))
            )
        content = content[part]
    if "." not in key and isinstance(content, Mapping):
        raise AssayError(f"{where}: {key}: expected one value, found a section; known: {', '.join(content)}")
