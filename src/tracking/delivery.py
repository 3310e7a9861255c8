"""Hands records to MLflow; what cannot be handed over now is kept, and no training fails for it."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from src.errors import AssayError
from src.tracking import nesting, records, store, writing
from src.tracking.records import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
SEND = "python -m src.tracking send"
LONGEST_REASON = 300
LOCK = Path("mlruns/.unsent.lock")
WORDS = {"train": "training", "evaluate": "evaluation", "study": "study"}
Maker = Callable[[], Record]


def deliver(record: Record, home: Path, training: Maker | None = None) -> bool:
    """Write a record to MLflow, after those of the same trace that wait; where that fails keep it and say why.

    `training` makes the record of the training, for an evaluation whose run is not there yet.
    """
    try:
        with store.connected(home) as client:
            _send(client, home, record.trace)
            if training and not writing.has_training(client, record, home):
                writing.write(client, training(), home)
            identity = write(client, record, home)
        log.info("MLflow: run %s (%s) holds the %s, in %s", record.name, identity, WORDS[record.kind], _place(home))
    except Exception as error:  # whatever a server, a database or a disk does must not cost a training
        log.debug("MLflow failed", exc_info=True)
        _keep(record, home, error, training)
        return False
    _remind(home)
    return True


def send(home: Path) -> int:
    """Send every record that waits, and give their number.

    Raises:
        AssayError: MLflow does not take them; what was not sent still waits.
    """
    if not any(records.kept(home)):
        return 0
    try:
        with store.connected(home) as client:
            return _send(client, home)
    except Exception as error:
        raise AssayError(f"{_told(home, error)}; what was not sent still waits") from error


def write(client: "MlflowClient", record: Record, home: Path) -> str:
    """Write a record into its run, and those nested in it into theirs, and give the run's id."""
    return nesting.write(client, record, home) if record.kind == "study" else writing.write(client, record, home)


def reason(error: BaseException) -> str:
    """Say in one line why something failed: of a chain of network errors the last one."""
    text = str(error) or type(error).__name__
    if causes := re.findall(r"Caused by \w+\((.*)\)", text):
        text = re.sub(r"^.*?>?: ", "", causes[-1].strip("'\")"), count=1)
    line = " ".join(text.strip().splitlines()[0].split())
    return store.shown(line[:LONGEST_REASON])


def _send(client: "MlflowClient", home: Path, trace: str | None = None) -> int:
    if not any(records.kept(home, trace)):
        return 0
    sent = 0
    with FileLock(home / LOCK):  # two senders would make two runs of a record
        for folder in records.kept(home, trace):
            record = records.load(folder)
            identity = write(client, record, home)
            what, place = WORDS[record.kind], _place(home)
            log.info("MLflow: sent the %s of run %s (%s) to %s", what, record.name, identity, place)
            records.drop(folder)
            sent += 1
    return sent


def _keep(record: Record, home: Path, error: Exception, training: Maker | None) -> None:
    log.warning("MLflow: %s", _told(home, error))
    try:
        waiting = {folder.name for folder in records.kept(home, record.trace)}
        if training and "train" not in waiting:
            records.keep(training(), home)
        folder = records.keep(record, home)
    except (OSError, AssayError) as failed:
        log.warning("The run could not be kept either (%s). Outputs are complete; record the run later with", failed)
        log.warning("  python -m src.tracking record")
        return
    log.warning("Outputs are complete and the run is kept in %s; send it later with", folder.relative_to(home))
    log.warning("  %s", SEND)


def _remind(home: Path) -> None:
    if waiting := len({folder.parent for folder in records.kept(home)}):
        log.warning("%d earlier run(s) wait in %s; send them with %s", waiting, records.UNSENT, SEND)


def _told(home: Path, error: Exception) -> str:
    place, text = _place(home), reason(error)
    return text if text.startswith(place) else f"{place}: {text}"


def _place(home: Path) -> str:
    address = store.shown(store.uri(home))
    return store.DATABASE if address == f"sqlite:///{(home / store.DATABASE).as_posix()}" else address
