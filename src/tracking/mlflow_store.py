"""Where runs go: a database in the repository, made so that nothing can break it half-way, or a server."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock, Timeout

from src.core.errors import AssayError
from src.tracking.record import COMPLETE, KINDS, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
ARTIFACTS = "mlruns"
LOCK_SECONDS = 120
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else `mlflow ui` shows the pages for language models
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
PROBE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}

SECONDS = 20  # that another process may keep the database locked
UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
ADDRESSES = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))
HELD = """
    SELECT run_uuid FROM runs run JOIN experiments experiment USING (experiment_id) JOIN tags made USING (run_uuid)
    WHERE made.key = 'fingerprint' AND made.value = ? AND experiment.name = ?
    AND experiment.lifecycle_stage = 'active' AND run.lifecycle_stage = 'active'
"""


def uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it is set, else the database in the repository."""
    return os.environ.get(VARIABLE) or f"sqlite:///{(home / DATABASE).as_posix()}"


def database(home: Path) -> Path | None:
    """Return the database file that runs go to, None where they go to a server; it need not be there yet.

    Its artifacts are in mlruns beside it.
    """
    address = uri(home)
    return Path(address.removeprefix("sqlite:///")).resolve() if address.startswith("sqlite:///") else None


@contextmanager
def connected(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client of the store, made if it is not there, with MLflow's own functions pointed at it meanwhile.

    Raises:
        AssayError: the database cannot be made or opened.
        Exception: whatever MLflow raises where a server is away (after seconds, not minutes) or a database broken.
    """
    address = uri(home)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # not its retries: the reason is logged once
    with _environment(QUIET | {VARIABLE: address}):
        if file := database(home):
            _open(file)
        import mlflow

        mlflow.set_tracking_uri(address)
        try:
            client = mlflow.MlflowClient(tracking_uri=address)
            with _environment(PROBE):
                client.search_experiments(max_results=1)
            with _environment(PATIENT):
                yield client
        finally:
            mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None is how MLflow forgets it


@contextmanager
def writing(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client as `connected` does, once no other process of this repository writes."""
    with connected(home) as client, turn(home):
        yield client


@contextmanager
def turn(home: Path) -> Iterator[None]:
    """Wait until no other process of this repository writes, and keep others from it during the block.

    Two writers would make two runs of one record, or meet at a data set that both add.
    """
    with _lock(database(home) or home / DATABASE):
        yield


def experiment(client: "MlflowClient", name: str, home: Path) -> str:
    """Return the id of an experiment, made if it is not there and restored if deleted.

    Its artifacts get an explicit place, so that client and `mlflow ui` find them alike.
    """
    if (found := client.get_experiment_by_name(name)) is None:
        folder = re.sub(r"[^\w.-]+", "_", name).strip(".") or "_"
        own = f"{folder}_" if folder == "unsent" else folder
        file = database(home)
        return client.create_experiment(name, (file.parent / ARTIFACTS / own).as_uri() if file else None, KIND)
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def create(path: Path) -> None:
    """Make an MLflow database that appears whole or not at all, whoever else is making it and whatever is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path):
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


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the lock file beside a database, and say in one line where it must be waited for."""
    lock = FileLock(f"{path}.lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("MLflow: waiting up to %d s for another process of this folder that writes runs", LOCK_SECONDS)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _open(path: Path) -> None:
    """Make a database that is not there, and try the other, which MLflow would do for minutes where it is broken."""
    try:
        if path.exists() and path.stat().st_size:
            follow(path)
        else:
            create(path)
    except PermissionError as error:
        raise AssayError(f"{path}: cannot be written ({error.strerror})") from error
    except sqlite3.Error as error:
        what, then = "not readable as MLflow's database", "; move it away"
        if "locked" in str(error):
            what, then = "in use by another process", ""
        elif error.sqlite_errorname.startswith(UNWRITABLE):
            what, then = "cannot be written", "; see to the rights of file and folder, and room on the disk"
        raise AssayError(f"{path.name}: {what} ({error}){then}") from error


@contextmanager
def _environment(defaults: dict[str, str]) -> Iterator[None]:
    """Set variables that the person has not set, and leave all of them as they were."""
    before = {name: os.environ.get(name) for name in defaults}
    os.environ.update({name: value for name, value in defaults.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def follow(database: Path) -> None:
    """Point the experiments of a database that was moved at their artifacts, where those are in mlruns beside it."""
    with closing(sqlite3.connect(database, timeout=SECONDS)) as connection, connection:
        rows = connection.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall()
        for number, old in rows:
            there = Path(url2pathname(urlsplit(old).path))
            here = database.parent / ARTIFACTS / there.name
            if not old.startswith("file:") or there.parent.name != ARTIFACTS or there == here or not here.is_dir():
                continue
            for table, column in ADDRESSES:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE experiment_id = ? AND substr({column}, 1, ?) = ?",
                    (here.as_uri(), len(old) + 1, number, len(old), old),
                )


def holds(database: Path | None, record: Record) -> bool:
    """Return whether a database certainly holds a record: its whole run, with its parameters and registered model.

    It is asked without MLflow, whose import would take most of the time of a `make repro` that has nothing to do.
    """
    if database is None or not database.is_file():
        return False
    needed = KINDS[: KINDS.index(record.kind) + 1]
    try:
        with closing(sqlite3.connect(database)) as connection:
            if (model := record.model) and model.register:
                version = "SELECT 1 FROM model_version_tags WHERE name = ? AND value = ?"
                if not connection.execute(version, (model.register, model.digest)).fetchone():
                    return False
            for run in connection.execute(HELD, (record.fingerprint, record.experiment)).fetchall():
                pairs = (f"SELECT key, value FROM {table} WHERE run_uuid = ?" for table in ("params", "tags"))
                params, tags = (dict(connection.execute(query, run).fetchall()) for query in pairs)
                if params == record.params and all(tags.get(kind, "").startswith(COMPLETE) for kind in needed):
                    return True
    except sqlite3.Error:  # another layout of the tables, or broken: MLflow itself is asked then
        return False
    return False
