"""A preset in the place of params.yaml, without losing what stands there."""

import hashlib
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from src import config
from src.config.load import RENAMED
from src.core import nested, yaml_file
from src.core.errors import AssayError
from src.core.files import write_text
from src.core.paths import PARAMS
from src.presets.catalog import names, read, without_header

SOURCE = "dataset.source"
SOURCE_LINE = re.compile(r"^  source: .*$", re.MULTILINE)
CHANGED = "# Changed: "  # a line at the top of a params file that was made from a preset with other values
SIGNATURE = re.compile(r"\A# Written by python -m src\.start, digest \w+\n")

PAIR = re.compile(r"\s+(?=[a-z_0-9]+(?:\.[a-z_0-9]+)*=)")


def put(
    name: str,
    source: str | None = None,
    changes: Mapping[str, Any] | None = None,
    home: Path = Path(),
    *,
    kept: bool = False,
) -> config.Params:
    """Write params.yaml from a preset, with another source and other values if they are given.

    kept: there is a copy of what stands in params.yaml.

    Raises:
        AssayError: there is no such preset, the values are not allowed, or params.yaml holds what is nowhere else.
    """
    text, checked = made(name, source, changes or {}, home)
    if not kept:
        refuse_loss(home, name)
    write_text(home / PARAMS, text)
    return checked


def made(name: str, source: str | None, changes: Mapping[str, Any], home: Path) -> tuple[str, config.Params]:
    """Return the text of a preset with other values, and what it says.

    Raises:
        AssayError: there is no such preset, or the values are not allowed.
    """
    preset = read(name, home)
    where = f"presets/{name}.yaml"
    everything = dict(changes) | ({SOURCE: source} if source is not None else {})
    if not everything:
        return preset.text, preset.params
    text = changed(preset.text, everything, where)
    return _marked(text, changes), config.parse(yaml_file.parsed(text, where), f"{where} with other values")


def refuse_loss(home: Path, wanted: str) -> None:
    """Check that params.yaml can be restored.

    Raises:
        AssayError: it is neither as committed, nor a preset with the other values that its first line tells.
    """
    if is_replaceable(home):
        return
    raise AssayError(
        f"{PARAMS}: has changes that are in no commit and in no preset; commit them, or keep a copy with "
        f"make repro PRESET={wanted} KEEP=mine.yaml (python -m src.reproduce {wanted} --keep mine.yaml)"
    )


def is_replaceable(home: Path) -> bool:
    """Return whether params.yaml can be had again: as committed, as a preset tells, or as `src.start` wrote it."""
    file = home / PARAMS
    if not file.is_file():
        return True
    text = file.read_text(encoding="utf-8")
    if text == _committed(home) or text == signed(SIGNATURE.sub("", text, count=1)):
        return True
    return any(_essence(text) == _essence(known) for known in _known(text, home))


def signed(text: str) -> str:
    """Put a line with the digest of a params file on top of it, by which an edit is noticed."""
    return f"# Written by python -m src.start, digest {hashlib.sha256(text.encode()).hexdigest()[:16]}\n{text}"


def keep(home: Path, copy: Path) -> None:
    """Copy params.yaml to a file that is not there yet.

    Raises:
        AssayError: there is such a file already.
    """
    if copy.exists():
        raise AssayError(f"--keep: expected the name of a new file, found one at {copy}")
    write_text(copy, (home / PARAMS).read_text(encoding="utf-8"))


def _marked(text: str, changes: Mapping[str, Any]) -> str:
    pairs = " ".join(f"{key}={yaml_file.written(value)}" for key, value in changes.items())
    return f"{CHANGED}{pairs}\n{text}" if pairs else text


def _known(text: str, home: Path) -> Iterator[str]:
    """Make every preset with the values that the first line of a params file tells."""
    first = text.partition("\n")[0]
    changes = given([first.removeprefix(CHANGED)]) if first.startswith(CHANGED) else {}
    for name in names(home):
        with suppress(AssayError):  # of a preset that is broken, or has no such keys
            yield made(name, None, changes, home)[0]


def _essence(text: str) -> str:
    """Return a params file without the line of its source and what the header tells of scores."""
    return SOURCE_LINE.sub("", without_header(text))


def _committed(home: Path) -> str | None:
    """Read params.yaml of the commit that is checked out, or None where there is none."""
    try:
        done = subprocess.run(["git", "show", f"HEAD:./{PARAMS}"], cwd=home, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout.decode("utf-8", errors="replace").replace("\r\n", "\n")


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
            found[key] = yaml_file.parsed(value, key)
        except AssayError as error:
            raise AssayError(f"--set: {key}: expected a value in YAML, found {value!r}") from error
    return found


def changed(text: str, changes: Mapping[str, Any], where: str) -> str:
    """Put other values in the place of those of dotted keys; `where` names the file in errors.

    Raises:
        AssayError: there is no such key, or it holds a whole section.
    """
    content = yaml_file.parsed(text, where)
    for key in changes:
        _check(content, key, where)
    return yaml_file.put_all(text, changes)


def _check(content: Any, key: str, where: str) -> None:
    """Check that a key exists: a misspelt one would be added, and change nothing."""
    if key in RENAMED:
        raise AssayError(f"{where}: {key}: now called {RENAMED[key]}")
    value = nested.get(content, key, where)
    if "." not in key and isinstance(value, Mapping):
        raise AssayError(f"{where}: {key}: expected one value, found a section; known: {', '.join(value)}")
