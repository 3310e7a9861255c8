"""Hands records to MLflow; what cannot be handed over now is kept, and no training fails for it."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from filelock import FileLock

from src.core import redact
from src.core.errors import AssayError
from src.tracking import mlflow_store, mlflow_writer
from src.tracking.record import UNSENT, Kind, Record, drop, keep, kept, load

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
SEND = "python -m src.tracking send"
LONGEST_REASON = 300
ATTEMPTS = 6  # after which there is one more
PAUSE = 0.2  # seconds at most before the second attempt, doubled for each further one
CONTENTION = re.compile(
    "UNIQUE constraint failed|duplicate key|Duplicate entry|database is locked|deadlock|could not serialize"
    "|Lock wait timeout",
    re.IGNORECASE,
)
LOCK = Path("mlruns/.unsent.lock")
WORDS = {"train": "training", "evaluate": "evaluation", "export": "bundle", "study": "study"}
Maker = Callable[[], Record]
Makers = Mapping[Kind, Maker]


def deliver(record: Record, home: Path, earlier: Makers = MappingProxyType({})) -> bool:
    """Write a record to MLflow, after those of the same fingerprint that wait; where that fails keep it and log why.

    `earlier` makes the records of the stages before it, for a run that does not hold them yet.
    """
    try:
        with mlflow_store.connected(home) as client:
            _send(client, home, record.fingerprint)
            for kind, make in earlier.items():
                if not mlflow_writer.has(client, kind, record, home):
                    write(client, make(), home)
            identity = write(client, record, home)
        log.info("MLflow: run %s (%s) holds the %s, in %s", record.name, identity, WORDS[record.kind], _place(home))
    except Exception as error:  # whatever a server, a database or a disk does must not cost a training
        log.debug("MLflow failed", exc_info=True)
        _keep(record, home, error, earlier)
        return False
    _remind(home)
    return True


def send(home: Path) -> int:
    """Send every record that waits, and give their number.

    Raises:
        AssayError: MLflow does not take them; what was not sent still waits.
    """
    if not any(kept(home)):
        return 0
    with explained(home, "; what was not sent still waits"), mlflow_store.connected(home) as client:
        return _send(client, home)


@contextmanager
def explained(home: Path, ending: str = "") -> Iterator[None]:
    """Turn whatever MLflow raises into one line that names the database or server.

    Raises:
        AssayError: something was raised.
    """
    try:
        yield
    except Exception as error:
        raise AssayError(f"{_explained(home, error)}{ending}") from error


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a record into its run, and those nested in it into theirs, and return the run's id.

    Several senders to one store get in each other's way: two that add the same data set, or a database that one of
    them has locked. Writing a record again goes on where it broke off, so all but a last failure are waited out.
    """
    into = mlflow_writer.write_nested if record.kind == "study" else mlflow_writer.write
    for attempt in range(ATTEMPTS):
        try:
            return into(client, record, home)
        except Exception as error:
            if not CONTENTION.search(str(error)):
                raise
            log.debug("MLflow is busy", exc_info=True)
            time.sleep(random.uniform(0.5, 1) * PAUSE * 2**attempt)  # or they would meet again
    return into(client, record, home)


def reason(error: BaseException) -> str:
    """Return in one line why something failed: of a chain of network errors the last one."""
    text = str(error) or type(error).__name__
    if causes := re.findall(r"Caused by \w+\((.*)\)", text):
        text = re.sub(r"^.*?>?: ", "", causes[-1].strip("'\")"), count=1)
    line = " ".join(redact.secrets(text).strip().splitlines()[0].split())
    return line[:LONGEST_REASON]


def _send(client: "MlflowClient", home: Path, fingerprint: str | None = None) -> int:
    if not any(kept(home, fingerprint)):
        return 0
    sent = 0
    with FileLock(home / LOCK):  # two senders would make two runs of a record
        for folder in kept(home, fingerprint):
            record = load(folder)
            identity = write(client, record, home)
            what, place = WORDS[record.kind], _place(home)
            log.info("MLflow: sent the %s of run %s (%s) to %s", what, record.name, identity, place)
            drop(folder)
            sent += 1
    return sent


def _keep(record: Record, home: Path, error: Exception, earlier: Makers) -> None:
    log.warning("MLflow: %s", _explained(home, error))
    try:
        waiting = {folder.name for folder in kept(home, record.fingerprint)}
        for make in (make for kind, make in earlier.items() if kind not in waiting):
            keep(make(), home)
        folder = keep(record, home)
    except (OSError, AssayError) as failed:
        log.warning("The run could not be kept either (%s). Outputs are complete; send it later with", failed)
        log.warning("  %s", SEND)
        return
    log.warning("Outputs are complete and the run is kept in %s; send it later with", folder.relative_to(home))
    log.warning("  %s", SEND)


def _remind(home: Path) -> None:
    if waiting := len({folder.parent for folder in kept(home)}):
        log.warning("%d earlier run(s) wait in %s; send them with %s", waiting, UNSENT, SEND)


def _explained(home: Path, error: Exception) -> str:
    place, text = _place(home), reason(error)
    return text if text.startswith(place) else f"{place}: {text}"


def _place(home: Path) -> str:
    address = redact.secrets(mlflow_store.uri(home))
    return mlflow_store.DATABASE if address == f"sqlite:///{(home / mlflow_store.DATABASE).as_posix()}" else address
