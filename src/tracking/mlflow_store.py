"""Where runs go: a database in the repository, made so that nothing can break it half-way, or a server."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from src.core.errors import AssayError
from src.tracking.record import Record

VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
LOCK_SECONDS = 120
UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else `mlflow ui` shows the pages for language models
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
PROBE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}

ARTIFACTS = "mlruns"
BY_SERVER = "mlflow-artifacts:"  # how `mlflow ui` addresses what it keeps in mlruns: only a server can resolve it
COLUMNS = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))
SECONDS = 20

RUNS = """
    SELECT run.run_uuid FROM runs run
    JOIN experiments experiment ON experiment.experiment_id = run.experiment_id
    JOIN tags made ON made.run_uuid = run.run_uuid AND made.key = 'fingerprint' AND made.value = ?
    JOIN tags train ON train.run_uuid = run.run_uuid AND train.key = 'train' AND train.value LIKE 'complete%'
    JOIN tags eval ON eval.run_uuid = run.run_uuid AND eval.key = 'evaluate' AND eval.value LIKE 'complete%'
    JOIN tags last ON last.run_uuid = run.run_uuid AND last.key = ? AND last.value LIKE 'complete%'
    WHERE experiment.name = ? AND experiment.lifecycle_stage = 'active' AND run.lifecycle_stage = 'active'
"""
PARAMS = "SELECT key, value FROM params WHERE run_uuid = ?"
VERSIONS = "SELECT 1 FROM model_version_tags WHERE name = ? AND value = ?"

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it is set, else the database in the repository."""
    return os.environ.get(VARIABLE) or f"sqlite:///{(home / DATABASE).as_posix()}"


def database(home: Path) -> Path | None:
    """Return the database file that runs go to, None where they go to a server; it need not be there yet."""
    return _file(uri(home))


@contextmanager
def connected(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client of the store, made if it is not there, with MLflow's own functions pointed at it meanwhile.

    Raises:
        AssayError: the folder of the database cannot be written to.
        Exception: whatever MLflow raises where a server is away (after seconds, not minutes) or a database broken.
    """
    address = uri(home)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # not its retries: the reason is logged once
    with _environment(QUIET):
        if (path := _file(address)) is not None:
            _settle(path)
        import mlflow

        previous = os.environ.get(VARIABLE)
        mlflow.set_tracking_uri(address)
        try:
            client = mlflow.MlflowClient(tracking_uri=address)
            with _environment(PROBE):
                client.search_experiments(max_results=1)
            with _environment(PATIENT):
                yield client
        finally:
            mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None is how MLflow forgets it
            os.environ.pop(VARIABLE, None)  # which MLflow leaves there if another client was used meanwhile
            if previous is not None:
                os.environ[VARIABLE] = previous


def experiment(client: "MlflowClient", name: str, home: Path) -> str:
    """Return the id of an experiment, made if it is not there and restored if deleted.

    Its artifacts get an explicit place, so that client and `mlflow ui` find them alike.
    """
    from mlflow.exceptions import MlflowException

    file = database(home)
    if (found := client.get_experiment_by_name(name)) is None:
        try:
            return client.create_experiment(name, location(name, file.parent) if file else None, KIND)
        except MlflowException:
            if (found := client.get_experiment_by_name(name)) is None:  # another process may have been quicker
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if file:
        adopt(file, found.experiment_id, found.artifact_location)
    return str(found.experiment_id)


def search(client: "MlflowClient", experiments: list[str], query: str, order: Sequence[str] = ()) -> "Iterator[Run]":
    """Yield all runs of experiments that a query finds, page by page."""
    token: str | None = ""
    while token is not None:
        page = client.search_runs(experiments, query, order_by=list(order), page_token=token or None)
        yield from page
        token = page.token or None


def location(name: str, folder: Path) -> str:
    """Return the address of the place for an experiment's artifacts, below mlruns in the database's folder."""
    own = re.sub(r"[^\w.-]+", "_", name).strip(".") or "_"
    return (folder / ARTIFACTS / (f"{own}_" if own == "unsent" else own)).as_uri()


def create(path: Path) -> None:
    """Make an MLflow database that appears whole or not at all, whoever else is making it and whatever is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
        if path.exists() and path.stat().st_size:
            return
        for leftover in path.parent.glob(f"{path.name}.*.part*"):
            leftover.unlink()
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        artifacts = (path.parent / ARTIFACTS).as_uri()
        store = SqlAlchemyStore(f"sqlite:///{temporary.as_posix()}", artifacts)  # type: ignore[no-untyped-call]
        store.engine.dispose()
        temporary.replace(path)


def _settle(path: Path) -> None:
    if not path.exists() or not path.stat().st_size:
        try:
            create(path)
        except PermissionError as error:
            raise AssayError(f"{path}: cannot be written ({error.strerror})") from error
        return
    try:  # MLflow would try for minutes to open what is no database
        follow(path)
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise AssayError(f"{path.name}: in use by another process ({error})") from error
        if error.sqlite_errorname.startswith(UNWRITABLE):
            raise AssayError(
                f"{path.name}: cannot be written ({error}); see to the rights of file and folder, and room on the disk"
            ) from error
        raise AssayError(f"{path.name}: not readable as MLflow's database ({error}); move it away") from error


def _file(address: str) -> Path | None:
    """Return the file behind a sqlite address, None for any other; its artifacts stand in mlruns beside it."""
    return Path(address.removeprefix("sqlite:///")).resolve() if address.startswith("sqlite:///") else None


@contextmanager
def _environment(defaults: dict[str, str]) -> Iterator[None]:
    """Set variables that the person has not set, and take them away again."""
    added = {name: value for name, value in defaults.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


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
    """Change the address of an experiment that `mlflow ui` made into one that needs no server, for the same folder."""
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
    """Return the address that replaces an old one, None where it is right or none of ours."""
    if not old.startswith("file:"):
        return None
    there = Path(url2pathname(urlsplit(old).path))
    here = folder / ARTIFACTS / there.name
    return here.as_uri() if there.parent.name == ARTIFACTS and there != here and here.is_dir() else None


def holds(database: Path | None, record: Record) -> bool:
    """Return whether a database certainly holds a record: its whole run, with its parameters and registered model."""
    if database is None or not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(database)) as connection:
            found = connection.execute(RUNS, (record.fingerprint, record.kind, record.experiment)).fetchall()
            known = [dict(connection.execute(PARAMS, run).fetchall()) for run in found]
            if (model := record.model) and model.register:
                known *= bool(connection.execute(VERSIONS, (model.register, model.digest)).fetchone())
    except sqlite3.Error:  # another layout of the tables, or broken: MLflow itself is asked then
        return False
    return any(record.params.items() == params.items() for params in known)
