"""Where runs go: a database in the repository, made so that nothing can break it half-way, or a server."""

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
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else `mlflow ui` shows the pages for language models
VIEW = "scores"  # how the table of runs looks behind an address that names it: these columns
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

SECONDS = 20  # that another process may keep the database locked
LONGEST_REASON = 300
UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
ADDRESSES = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))


def uri(home: Path) -> str:
    """Return MLFLOW_TRACKING_URI where it is set, else the database in the repository."""
    return os.environ.get(VARIABLE) or f"sqlite:///{(home / DATABASE).as_posix()}"


def database(home: Path) -> Path | None:
    """Return the database file that runs go to, None where they go to a server; it need not be there yet.

    Its artifacts are in mlruns beside it.
    """
    address = uri(home)
    return Path(address.removeprefix("sqlite:///")).resolve() if address.startswith("sqlite:///") else None


def place(home: Path) -> str:
    """Name the database or server for a message."""
    address = redact.secrets(uri(home))
    return DATABASE if address == f"sqlite:///{(home / DATABASE).as_posix()}" else address


@contextmanager
def connected(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client of the store, made if it is not there, with MLflow's own functions pointed at it meanwhile.

    Raises:
        AssayError: whatever goes wrong, in the block too, as one line that names the database or server. That a server
            is away or a database broken shows after seconds, not minutes.
    """
    address = uri(home)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # not its retries: the reason is logged once
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
                mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None is how MLflow forgets it
    except Exception as error:
        log.debug("MLflow failed", exc_info=True)
        raise AssayError(f"{place(home)}: {reason(error)}") from error


@contextmanager
def writing(home: Path) -> Iterator["MlflowClient"]:
    """Yield a client as `connected` does, once no other process of this repository writes, and keep others from it.

    Two writers would make two runs of one record, or meet at a data set that both add.
    """
    with connected(home) as client, turn(database(home) or home / DATABASE):
        yield client


@contextmanager
def turn(path: Path) -> Iterator[None]:
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


def reason(error: BaseException) -> str:
    """Return in one line why something failed: of a chain of network errors the last one."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, sqlite3.Error):
        text = _reason_of_sqlite(error)
    elif causes := re.findall(r"Caused by \w+\((.*)\)", text):
        text = re.sub(r"^.*?>?: ", "", causes[-1].strip("'\")"), count=1)
    line = " ".join(redact.secrets(text).strip().splitlines()[0].split())
    return line[:LONGEST_REASON]


def _reason_of_sqlite(error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"in use by another process ({error})"
    if getattr(error, "sqlite_errorname", "").startswith(UNWRITABLE):
        return f"cannot be written ({error}); see to the rights of file and folder, and room on the disk"
    return f"not readable as MLflow's database ({error}); move it away"


def experiment(client: "MlflowClient", name: str, home: Path) -> str:
    """Return the id of an experiment, made if it is not there and restored if deleted; its table shows the scores.

    Its artifacts get an explicit place, so that client and `mlflow ui` find them alike.
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


def create(path: Path) -> None:
    """Make an MLflow database that appears whole or not at all, whoever else is making it and whatever is killed."""
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
    """Make a database that is not there, and try the other, which MLflow would do for minutes where it is broken."""
    if path.exists() and path.stat().st_size:
        follow(path)
    else:
        create(path)


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
