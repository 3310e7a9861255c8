"""`python -m src.tidy`: list what nothing refers to in DVC's cache and MLflow, with sizes; delete it if you agree."""

import argparse
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from src.core import console, paths
from src.core.errors import AssayError
from src.tracking import mlflow_store

COMMITS = 20  # the last ones of each branch keep their results; DVC takes a tenth of a second for each
KEPT = ("--all-branches", "--num", str(COMMITS), "--all-tags", "--all-experiments", "--force")
REMOVING = re.compile(r"^Removing (.*)$", re.MULTILINE)
DELETED = "SELECT artifact_uri FROM runs WHERE lifecycle_stage = 'deleted'"


def main() -> None:
    """List unused objects and deleted runs, ask, and delete them."""
    parser = argparse.ArgumentParser("python -m src.tidy", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    asked = parser.parse_args()
    home = paths.home()
    cached = [Path(name) for name in REMOVING.findall(_run(home, "dvc", "gc", *KEPT, "--dry"))]
    runs = deleted_runs(home)
    console.say(
        f"DVC's cache: {_size(cached)} in {len(cached)} objects that the files here, experiments, tags and "
        f"the last {COMMITS} commits of each branch do not use"
    )
    console.say(f"MLflow: {_size(runs)} in {len(runs)} runs that were deleted in `mlflow ui`")
    if not cached and not runs:
        return
    if not (asked.yes or console.agreed("delete it?")):
        console.say("nothing was deleted; to delete without a question: make tidy YES=1")
        return
    if cached:
        _run(home, "dvc", "gc", *KEPT)
    if runs:
        _run(home, "mlflow", "gc", "--backend-store-uri", mlflow_store.uri(home))
    console.say("deleted")


def deleted_runs(home: Path) -> list[Path]:
    """Return the folders of the runs that are marked as deleted in MLflow's database; empty for a server."""
    if (file := mlflow_store.database(home)) is None or not file.is_file():
        return []
    with closing(sqlite3.connect(file)) as connection:
        return [Path(url2pathname(urlsplit(address).path)).parent for (address,) in connection.execute(DELETED)]


def _size(found: Iterable[Path]) -> str:
    files = [file for path in found for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 10**6:.1f} MB"


def _run(home: Path, program: str, *words: str) -> str:
    """Run DVC or MLflow and return what it prints.

    Raises:
        AssayError: the command fails.
    """
    environment = os.environ | mlflow_store.QUIET | {mlflow_store.VARIABLE: mlflow_store.uri(home)}
    command: Sequence[str] = [sys.executable, "-m", program, *words]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssayError(f"{program} {words[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return done.stdout + done.stderr


if __name__ == "__main__":
    console.run(main)
