"""What a person, or the stage, asks for, and how it is checked; without Optuna, which takes a second to load."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core import paths
from src.core.errors import AssayError

JOURNAL = "journal.log"
NAME = re.compile(r"\w[\w .-]*")
EXPECTED = "postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"
DATABASES = ("postgresql", "sqlite")


@dataclass(frozen=True)
class Request:
    """A study, how far it shall come, and what shall follow; fingerprint: of the stage's study; points: tried first.

    The results of the stage's study hold no more trials than asked for.
    """

    trials: int
    name: str
    minutes: float | None = None
    url: str | None = None
    confirm: bool = True
    apply: bool = False
    fingerprint: Mapping[str, Any] | None = None
    points: Sequence[Mapping[str, Any]] = ()

    @property
    def found(self) -> paths.StudyFiles:
        """Where the results go: beside the study, or where DVC takes them from."""
        return paths.STUDY if self.fingerprint else paths.StudyFiles(paths.STUDIES / self.name)

    @property
    def confirmed(self) -> paths.Confirmed:
        """Where the winner goes."""
        return paths.Confirmed(paths.STUDIES / self.name)


def check_name(name: str) -> None:
    """Refuse a name that could not be a folder's.

    Raises:
        AssayError: it holds other characters than letters, digits, spaces and ``_-.``
    """
    if not NAME.fullmatch(name):
        raise AssayError(f"--study: expected letters, digits, spaces, '_', '-' and '.', found {name!r}")


def check_url(url: str) -> str:
    """Name the kind of database that a URL stands for.

    Raises:
        AssayError: it is none that a study can be kept in.
    """
    kind = url.partition(":")[0].partition("+")[0]
    if kind not in DATABASES or "://" not in url or (kind == "sqlite" and not Path(url.partition(":///")[2]).name):
        raise AssayError(f"--storage: expected {EXPECTED}, found {url}")
    return kind
