"""The winner's values into params.yaml, which keeps its comments, order and layout."""

import difflib
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from src.config import Params, load, parse
from src.config.overrides import canonical, with_values
from src.core import files, nested, yaml_edit, yaml_file
from src.core.errors import AssayError

log = logging.getLogger(__name__)
SOURCE = "dataset.source"
NOT_COMPARED = ("tune", "repeat", "track", "evaluate", "export")  # no training depends on them


def apply(path: Path, values: Mapping[str, Any], began: Mapping[str, Any]) -> str:
    """Write values into a params file and give what changed as a unified diff, empty where it already said so.

    began: the content that the study began with. Where the file says something else by now, a warning tells so: the
    values were found beside the old one.

    Raises:
        AssayError: the file is missing, not valid, or written in a way that values cannot be put into.
    """
    now = load(path).model_dump(mode="json")
    for name in _changed(began, now):
        if not _among(name, values):
            words = (canonical(nested.get(each, name)) for each in (now, began))
            log.warning("%s: %s is %s, but was %s in the study", path, name, *words)
    before = path.read_text(encoding="utf-8")
    after = replaced(before, values, str(path))
    if after != before:
        files.write_text(path, after)
    return diff(before, after, path.name)


def applied(path: Path, preset: Params) -> bool:
    """Return whether a params file is a preset, be it on other data or with other values of what the preset varies."""
    if not path.is_file():
        return False
    now, before = (each.model_dump(mode="json") for each in (load(path), preset))
    same = all(canonical(now[section]) == canonical(before[section]) for section in NOT_COMPARED)
    return same and all(_among(name, {SOURCE, *preset.tune.space}) for name in _changed(before, now))


def replaced(text: str, values: Mapping[str, Any], where: str = "params.yaml") -> str:
    """Return the text of a params file with other values, as `dvc exp run -S` would leave it.

    Raises:
        AssayError: the result would not say what it should, as where two keys share a value by an anchor.
    """
    now = parse(yaml_file.parsed(text, where), where).model_dump(mode="json")
    wanted = with_values(now, values)
    changes = {name: nested.get(wanted, name) for name in _changed(now, wanted)}
    changed, found = yaml_edit.put_all(text, changes), None
    with suppress(AssayError):
        found = parse(yaml_file.parsed(changed, where)).model_dump(mode="json")
    if found != wanted:
        pairs = ", ".join(f"{name}: {canonical(value)}" for name, value in changes.items())
        raise AssayError(f"{where}: could not be changed without changing more; write by hand: {pairs}")
    return changed


def diff(before: str, after: str, name: str) -> str:
    """Return what changed, as `diff -u` does."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, f"{name} with the winner", n=1)
    return "".join(lines)


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Name the values that differ between two complete contents."""
    one, other = dict(nested.flat(before)), dict(nested.flat(now))
    for name in sorted({*one, *other}):
        if name.split(".")[0] not in NOT_COMPARED and canonical(one.get(name)) != canonical(other.get(name)):
            yield name


def _among(name: str, wanted: Collection[str]) -> bool:
    """Return whether a parameter is one of those wanted, or within one."""
    return any(name == one or name.startswith(f"{one}.") for one in wanted)
