"""The winner's values into params.yaml, which keeps its comments, order and layout."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.config import load, parse
from src.config.overrides import canonical, with_values
from src.core import files, nested, yaml_edit, yaml_file
from src.core.errors import AssayError


def apply(path: Path, values: Mapping[str, Any]) -> str:
    """Write values into a params file and give what changed as a unified diff, empty where it already said so.

    Raises:
        AssayError: the file is missing, not valid, or written in a way that values cannot be put into.
    """
    load(path)
    before = path.read_text(encoding="utf-8")
    after = replaced(before, values, str(path))
    if after != before:
        files.write_text(path, after)
    texts = before.splitlines(True), after.splitlines(True)
    return "".join(difflib.unified_diff(*texts, path.name, f"{path.name} with the winner", n=1))


def replaced(text: str, values: Mapping[str, Any], where: str = "params.yaml") -> str:
    """Return the text of a params file with other values, as `dvc exp run -S` would leave it.

    Raises:
        AssayError: the result would not say what it should, as where two keys share a value by an anchor.
    """
    now = parse(yaml_file.parsed(text, where), where).model_dump(mode="json")
    wanted, before = with_values(now, values), dict(nested.flat(now))
    changes = {
        name: value
        for name, value in sorted(nested.flat(wanted))
        if name not in before or canonical(before[name]) != canonical(value)
    }
    changed = yaml_edit.put_all(text, changes)
    if parse(yaml_file.parsed(changed, where), where).model_dump(mode="json") != wanted:
        pairs = ", ".join(f"{name}: {canonical(value)}" for name, value in changes.items())
        raise AssayError(f"{where}: could not be changed without changing more; write by hand: {pairs}")
    return changed
