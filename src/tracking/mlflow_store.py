"""Where runs are stored: on a server, or in a database in the repository, which is created atomically."""

import json
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

from src.core import redact
from src.core.errors import AssayError

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
ARTIFACTS = "mlruns"
LOCK_SECONDS = 120
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else `mlflow ui` shows pages for language models
VIEW = "scores"  # a saved view of the table of runs, which an address can name; it shows these columns
COLUMNS = ("test_auc", "test_accuracy", "test_sensitivity", "test_specificity", "val_auc", "probe_auc")
VIEW_KEY = f"mlflow.sharedViewState.{VIEW}"
VIEW_STATE = json.dumps({"selectedColumns": [f"metrics.`{name}`" for name in COLUMNS]})
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
PROBE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}

SECONDS = 20  # to wait for a database that another process has locked
LONGEST_REASON = 300
UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
UNWRITABLE_HINT = "check the permissions of file and folder, and the free disk space"
ADDRESSES = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))


def uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI if it is set, otherwise the URI of the database in the repository."""
    return os.environ.get(VARIABLE) or f"sqlite:///{(home / DATABASE).as_posix()}"


def database(home: Path) -> Path | None:
    """Return the database file that stores the runs, or None if a server does; the file need not exist yet.

    Its artifacts are in the folder mlruns beside it.
    """
    address = uri(home)
    return Path(address.removeprefix("sqlite:///")).resolve() if address.startswith("sqlite:///") else None


def place(home: Path) -> str:
    """Return the name of the database or server for messages."""
    address = redact.secrets(uri(home))
    return DATABASE if address == f"sqlite:///{(home / DATABASE).as_posix()}" else address


@contextmanager
def connected(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client of the store, which is created if missing; MLflow's own functions use this store meanwhile.

    Raises:
        AssayError: anything failed, inside the block too; the message is one line that names the database or server.
            An unreachable server or a broken database is reported within seconds, not minutes.
    """
    address = uri(home)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # hide its retries: the reason is logged once
    try:
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
                mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None makes MLflow forget it
    except AssayError:
        raise
    except Exception as error:
        log.debug("MLflow failed", exc_info=True)
        raise AssayError(f"{place(home)}: {reason(error)}") from error


@contextmanager
def writing(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client as `connected` does, and hold the lock that only one writing process of this repository can have.

    Two writers at once could create two runs for one record, or collide when both add the same data set.
    """
    with connected(home) as client, turn(database(home) or home / DATABASE):
        yield client


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the lock file beside a database; log one line if another process holds it and we have to wait."""
    lock = FileLock(f"{path}.lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("MLflow: waiting up to %d s for another process in this folder to finish writing runs", LOCK_SECONDS)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def reason(error: BaseException) -> str:
    """Return in one line why something failed; for a chain of network errors, the last cause."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, sqlite3.Error):
        text = _reason_of_sqlite(error)
    elif isinstance(error, PermissionError):
        text = f"cannot be written ({error.strerror}); {UNWRITABLE_HINT}"
    elif causes := re.findall(r"Caused by \w+\((.*)\)", text):
        text = re.sub(r"^.*?>?: ", "", causes[-1].strip("'\")"), count=1)
    line = " ".join(redact.secrets(text).strip().splitlines()[0].split())
    return line[:LONGEST_REASON]


def _reason_of_sqlite(error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"in use by another process ({error})"
    if getattr(error, "sqlite_errorname", "").startswith(UNWRITABLE):
        return f"cannot be written ({error}); {UNWRITABLE_HINT}"
    return f"not readable as MLflow's database ({error}); move it away"


def experiment(client: "MlflowClient", name: str, home: Path) -> str:
    """Return the id of an experiment; create it if missing, restore it if deleted. Its table shows the scores.

    Its artifact location is set explicitly, so that the client and `mlflow ui` find the artifacts in the same place.
    """
    if (found := client.get_experiment_by_name(name)) is None:
        folder = re.sub(r"[^\w.-]+", "_", name).strip(".") or "_"
        own = f"{folder}_" if folder == "unsent" else folder
        location = (file.parent / ARTIFACTS / own).as_uri() if (file := database(home)) else None
        return client.create_experiment(name, location, KIND | {VIEW_KEY: VIEW_STATE})
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if found.tags.get(VIEW_KEY) != VIEW_STATE:
        client.set_experiment_tag(found.experiment_id, VIEW_KEY, VIEW_STATE)
    return str(found.experiment_id)


def experiment_to_show(name: str, home: Path) -> str:
    """Return the id of an experiment whose table shows the scores.

    It waits for a process that writes runs only if there is something to change: the page opens while a stage uploads.

    Raises:
        AssayError: the database cannot be read, or the server cannot be reached.
    """
    with connected(home) as client:
        found = client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "active" and found.tags.get(VIEW_KEY) == VIEW_STATE:
            return str(found.experiment_id)
        with turn(database(home) or home / DATABASE):
            return experiment(client, name, home)


def create(path: Path) -> None:
    """Create an MLflow database that is either complete or absent, even if processes compete or one is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with turn(path):
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


def _open(path: Path) -> None:
    """Create a missing database, or else read from it once: MLflow itself would retry a broken one for minutes."""
    if path.exists() and path.stat().st_size:
        follow(path)
    else:
        create(path)


@contextmanager
def _environment(defaults: dict[str, str]) -> Iterator[None]:
    """Set environment variables that the user has not set, and restore all of them afterwards."""
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
    """Update the artifact addresses in a database that was moved, if the artifacts are in mlruns beside it."""
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
