"""Known experiments as complete params files, presets/NAME.yaml, and how one of them replaces params.yaml.

`python -m src.presets` lists them with their results.
"""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src import config
from src.config import source_name
from src.core import console, nested, yaml_file
from src.core.errors import AssayError, suggestion
from src.core.files import digest_of, write_text
from src.core.git_command import git
from src.core.paths import PARAMS

FOLDER = Path("presets")
FIELDS = ("From", "Published", "Here", "Time")
FIELD = re.compile(rf"^# ({'|'.join(FIELDS)}): (.*\n(?:# {{2,}}\S.*\n)*)", re.MULTILINE)
LEADING = re.compile(r"\A(?:#.*\n)*")
SOURCE = "dataset.source"
SIGNATURE = re.compile(r"\A# Written by .*, digest (\w+)\n")
DIGITS = 16
PAIR = re.compile(r"\s+(?=[a-z_0-9]+(?:\.[a-z_0-9]+)*=)")


@dataclass(frozen=True)
class Preset:
    """A complete params file; header: its source, the published result, the result here, and the running time."""

    name: str
    text: str
    params: config.Params
    header: Mapping[str, str]

    @property
    def picture(self) -> str:
        """The input of the model: height x width and color."""
        height, width = self.params.preprocess.sides
        return f"{height}x{width} {self.params.preprocess.color.replace('rgb', 'RGB')}"


def main() -> None:
    """List the presets."""
    about = "The known experiments and what they reached."
    argparse.ArgumentParser("python -m src.presets", description=about).parse_args()
    home = Path.cwd()
    width = min(120, shutil.get_terminal_size((120, 24)).columns)
    listed = "\n\n".join(describe(read(name, home), width) for name in names(home))
    console.say(f"{listed}\n\nmake repro PRESET=NAME [SOURCE=path] runs one")


def describe(preset: Preset, width: int) -> str:
    """Describe a preset in a few lines: data, image size, model and epochs, then each field of its header."""
    params = preset.params
    data, epochs = source_name(params.dataset.source), f"{params.train.epochs} epochs"
    lines = [f"{preset.name}: {data}, {preset.picture}, {params.model.name}, {epochs}"]
    for name, text in preset.header.items():
        lines += textwrap.wrap(
            f"{name}: {text}", width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    return "\n".join(lines)


def names(home: Path = Path()) -> tuple[str, ...]:
    """List the presets of a repository by name."""
    return tuple(sorted(file.stem for file in (home / FOLDER).glob("*.yaml")))


def path(name: str, home: Path = Path()) -> Path:
    """Return the path of the file of a preset.

    Raises:
        AssayError: there is no such preset; the message lists the presets that exist.
    """
    known = names(home)
    if name not in known:
        listed = ", ".join(known) or f"none, run from the root of the repository ({FOLDER}/ is not here)"
        raise AssayError(f"no preset {name!r}{suggestion(name, known)}; known: {listed}")
    return home / FOLDER / f"{name}.yaml"


def read(name: str, home: Path = Path()) -> Preset:
    """Read and check a preset.

    Raises:
        AssayError: there is no such preset, or it is not a valid params file.
    """
    file = path(name, home)
    checked = config.load(file)
    text = file.read_text(encoding="utf-8")
    return Preset(name, text, checked, header(text))


def header(text: str) -> dict[str, str]:
    """Read the fields of the leading comment; an indented line continues the line before it.

    >>> header("# From: a paper\\n#   and its data\\n# Time: 1 h\\nseed: 42\\n# Here: no more")
    {'From': 'a paper and its data', 'Time': '1 h'}
    """
    found = FIELD.findall(LEADING.match(text)[0])  # type: ignore[index]  # the pattern matches any text
    return {name: " ".join(line.lstrip("# ") for line in lines.splitlines()).strip() for name, lines in found}


def without_header(text: str) -> str:
    """Return the text without the fields of its leading comment."""
    return LEADING.sub(lambda comment: FIELD.sub("", comment[0]), text, count=1)


def made(name: str, source: str | None, changes: Mapping[str, Any], home: Path) -> tuple[str, config.Params]:
    """Return the text and the params of a preset with changed values, which the first line of the text then lists.

    Raises:
        AssayError: there is no such preset, or the values are not allowed.
    """
    preset = read(name, home)
    where = f"presets/{name}.yaml"
    everything = dict(changes) | ({SOURCE: source} if source is not None else {})
    if not everything:
        return preset.text, preset.params
    text = changed(preset.text, everything, where)
    values = [f"{key}={yaml_file.written(value)}" for key, value in everything.items()]
    by = f"python -m src.reproduce {name} with {' '.join(values)}"
    return signed(text, by), config.parse(yaml_file.parsed(text, where), f"{where} with other values")


def replace(text: str, home: Path, *, yes: bool = False) -> Path | None:
    """Write params.yaml; return the path of the backup copy, or None if the old file had no edits to keep.

    Raises:
        AssayError: the old file has edits, and the user did not agree to replace it.
    """
    file, copy = home / PARAMS, None
    if not is_replaceable(home):
        if not (yes or console.agreed(f"{PARAMS} has changes that are in no commit. Replace it, and keep a copy?")):
            raise AssayError(
                f"{PARAMS}: has changes that are in no commit, so it stays as it is; `make repro` runs it, YES=1 "
                "(--yes) puts the new one in its place and keeps a copy"
            )
        copy = next(path for number in range(1, 10_000) if not (path := file.with_suffix(f".{number}.yaml")).exists())
        write_text(copy, file.read_text(encoding="utf-8"))
    write_text(file, text)
    return copy


def is_replaceable(home: Path) -> bool:
    """Return whether params.yaml has no edits to lose: it is missing, committed, a preset, or written by a command."""
    file = home / PARAMS
    if not file.is_file():
        return True
    text = file.read_text(encoding="utf-8")
    mark = SIGNATURE.match(text)
    if mark and mark[1] == digest_of(text[mark.end() :])[:DIGITS]:
        return True
    committed = (git(home, "show", f"HEAD:./{PARAMS}") or "").replace("\r\n", "\n")
    return text == committed or any(text == known.read_text("utf-8") for known in (home / FOLDER).glob("*.yaml"))


def signed(text: str, by: str) -> str:
    """Add a first line to a params file that says what wrote it, with a digest that reveals later edits."""
    return f"# Written by {by}, digest {digest_of(text)[:DIGITS]}\n{text}"


def given(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; a text may hold several, separated by spaces, and values are YAML.

    >>> given(["split.by=image train.learning_rate=1e-3", "preprocess.steps=[gray, resize]"])
    {'split.by': 'image', 'train.learning_rate': 0.001, 'preprocess.steps': ['gray', 'resize']}

    Raises:
        AssayError: a text is not such a pair, or a value is not valid YAML.
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
    """Replace the values of dotted keys in the text of a file; `where` names the file in errors.

    Raises:
        AssayError: there is no such key, or it is a whole section.
    """
    content = yaml_file.parsed(text, where)
    for key in changes:
        value = nested.get(content, key, where)  # raises: a misspelt key would be added without effect
        if "." not in key and isinstance(value, Mapping):
            raise AssayError(f"{where}: {key}: expected one value, found a section; known: {', '.join(value)}")
    return yaml_file.put_all(text, changes)


if __name__ == "__main__":
    console.run(main)
