"""What presets there are, and what each of them says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from src import config
from src.core.errors import AssayError, suggestion

FOLDER = Path("presets")
FIELDS = ("From", "Published", "Here", "Time")
FIELD = re.compile(rf"^# ({'|'.join(FIELDS)}): (.*\n(?:# {{2,}}\S.*\n)*)", re.MULTILINE)
LEADING = re.compile(r"\A(?:#.*\n)*")


@dataclass(frozen=True)
class Preset:
    """A complete params file; header: where it comes from, what it reached there and here, how long it takes."""

    name: str
    text: str
    params: config.Params
    header: Mapping[str, str]

    @property
    def picture(self) -> str:
        """What the model gets as input: height x width and color."""
        height, width = self.params.preprocess.sides
        return f"{height}x{width} {self.params.preprocess.color.replace('rgb', 'RGB')}"


def names(home: Path = Path()) -> tuple[str, ...]:
    """List the presets of a repository by name."""
    return tuple(sorted(file.stem for file in (home / FOLDER).glob("*.yaml")))


def path(name: str, home: Path = Path()) -> Path:
    """Find the file of a preset.

    Raises:
        AssayError: there is no such preset; the message lists those that are there.
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
    """Read the fields of a leading comment; a line that is indented goes on with the one before.

    >>> header("# From: a paper\\n#   and its data\\n# Time: 1 h\\nseed: 42\\n# Here: no more")
    {'From': 'a paper and its data', 'Time': '1 h'}
    """
    found = FIELD.findall(LEADING.match(text)[0])  # type: ignore[index]  # it matches any text
    return {name: " ".join(line.lstrip("# ") for line in lines.splitlines()).strip() for name, lines in found}


def without_header(text: str) -> str:
    """Leave the fields of the leading comment out of a text."""
    return LEADING.sub(lambda comment: FIELD.sub("", comment[0]), text, count=1)
