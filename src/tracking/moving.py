"""MLflow stores the addresses of artifacts absolute; these follow a repository that was moved or copied."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

ARTIFACTS = "mlruns"
BY_SERVER = "mlflow-artifacts:"  # how `mlflow ui` addresses what it keeps in mlruns: only a server can resolve it
COLUMNS = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))
SECONDS = 20


def follow(database: Path) -> int:
    """Point a database at the artifacts in mlruns beside it, and give how many experiments had to be moved.

    Only experiments whose artifacts stand there are touched.
    """
    with closing(sqlite3.connect(database, timeout=SECONDS)) as connection:
        rows = connection.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall()
    moves = [(number, old, new) for number, old in rows if (new := _here(old, database.parent))]
    for number, old, new in moves:
        move(database, number, old, new)
    return len(moves)


def adopt(database: Path, number: str, old: str) -> None:
    """Give an experiment that `mlflow ui` made an address that needs no server, for the same folder."""
    if old.startswith(BY_SERVER):
        move(database, int(number), old, (database.parent / ARTIFACTS / Path(urlsplit(old).path).name).as_uri())


def move(database: Path, number: int, old: str, new: str) -> None:
    """Replace the beginning of all addresses of an experiment, its runs and its models."""
    with closing(sqlite3.connect(database, timeout=SECONDS)) as connection, connection:
        for table, column in COLUMNS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE experiment_id = ? AND substr({column}, 1, ?) = ?",
                (new, len(old) + 1, number, len(old), old),
            )


def _here(old: str, folder: Path) -> str | None:
    """Give the address that replaces an old one, None where it is right or none of ours."""
    if not old.startswith("file:"):
        return None
    there = Path(url2pathname(urlsplit(old).path))
    here = folder / ARTIFACTS / there.name
    return here.as_uri() if there.parent.name == ARTIFACTS and there != here and here.is_dir() else None
