"""What a study may be called, and which databases it may be kept in; without Optuna, which takes a second to load."""

import re
from pathlib import Path

from src.core.errors import AssayError

STUDIES = Path("build/studies")
JOURNAL = "journal.log"
NAME = re.compile(r"\w[\w .-]*")
EXPECTED = "postgresql+psycopg://USER@HOST/DATABASE or sqlite:///FILE"
DATABASES = ("postgresql", "sqlite")


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
