"""What presets there are, and what each of them says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from src import config
from src.core.errors import AssayError, suggestion

FOLDER = Path("presets")
FIELDS = ("From", "Published", "Here", "Time")
FIELD = re.compile(rf"# ({'|'.join(FIELDS)}): (.*)")
CONTINUED = re.compile(r"# {2,}\S")


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
    found: dict[str, str] = {}
    for field, line in _fielded(text):
        if field:
            start = FIELD.match(line)
            found[field] = start[2].strip() if start else f"{found[field]} {line.lstrip('# ').strip()}"
    return found


def without_header(text: str) -> str:
    """Leave the fields of the leading comment out of a text."""
    return "\n".join(line for field, line in _fielded(text) if not field)


def _fielded(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line with the field of the leading comment that it belongs to, or an empty text."""
    field, leading = "", True
    for line in text.splitlines():
        leading = leading and line.startswith("#")
        start = FIELD.match(line)
        if not leading:
            field = ""
        elif start:
            field = start[1]
        elif not CONTINUED.match(line):
            field = ""
        yield field, line
