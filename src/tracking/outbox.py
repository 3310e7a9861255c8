"""Sends records to MLflow; records that cannot be sent now wait in mlruns/unsent, so that no training fails."""

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from src.core.errors import AssayError
from src.core.files import read_json, replacing
from src.tracking import mlflow_store
from src.tracking.mlflow_writer import write
from src.tracking.record import Kind, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
UNSENT = Path("mlruns/unsent")
NAME = 16  # characters of a fingerprint that name its folder
SEND = "python -m src.tracking send"
# In the order in which they are sent.
WORDS: dict[Kind, str] = {"train": "training", "evaluate": "evaluation", "export": "bundle", "study": "study"}
PLAIN = TypeAdapter(Record)


def deliver(records: Sequence[Record], home: Path) -> bool:
    """Write the records of one run to MLflow, oldest first, after the waiting records of that run.

    If that fails, keep them, log the reason and return False.
    """
    last = records[-1]
    try:
        with mlflow_store.writing(home) as client:
            _send(client, home, last.fingerprint)
            for record in records:
                identity = write(client, record, home)
    except AssayError as error:  # a failing server, database or disk must not cost a training
        log.warning("MLflow: %s", error)
        _keep(records, home)
        return False
    log.info("MLflow: run %s (%s) holds the %s, in %s", last.name, identity, WORDS[last.kind], mlflow_store.place(home))
    if waiting := len({folder.parent for folder in kept(home)}):
        log.warning("%d earlier run(s) wait in %s; send them with %s", waiting, UNSENT, SEND)
    return True


def send(home: Path) -> int:
    """Send every waiting record and return their number.

    Raises:
        AssayError: MLflow does not accept them; what was not sent still waits.
    """
    if not any(kept(home)):
        return 0
    try:
        with mlflow_store.writing(home) as client:
            return _send(client, home)
    except AssayError as error:
        raise AssayError(f"{error}; what was not sent still waits") from error


def kept(home: Path, fingerprint: str = "") -> Iterator[Path]:
    """Yield the folders of waiting records, of one fingerprint or of all, in the order in which they must be sent."""
    for folder in sorted((home / UNSENT).glob(f"{fingerprint[:NAME]}*")):
        yield from (folder / kind for kind in WORDS if (folder / kind / "record.json").is_file())


def keep(record: Record, home: Path) -> Path:
    """Copy a record with all its files to its folder of unsent records, and return that folder."""
    folder = home / UNSENT / record.fingerprint[:NAME] / record.kind
    with replacing(folder) as temporary:
        for name in [*record.files, *record.texts]:
            (temporary / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        for name, source in record.files.items():
            shutil.copyfile(source, temporary / "files" / name)
        for name, text in record.texts.items():
            (temporary / "files" / name).write_text(text, encoding="utf-8")
        if record.model:
            shutil.copytree(record.model.folder, temporary / "bundle")
        plain = PLAIN.dump_python(record, mode="json", exclude={"files", "texts"})
        (temporary / "record.json").write_text(json.dumps(plain), encoding="utf-8")  # a trial may hold a NaN
    return folder


def load(folder: Path) -> Record:
    """Read a record that `keep` wrote."""
    record = PLAIN.validate_python(read_json(folder / "record.json"))
    found = [path for path in sorted((folder / "files").rglob("*")) if path.is_file()]
    model = record.model and replace(record.model, folder=folder / "bundle")
    return replace(record, files={path.relative_to(folder / "files").as_posix(): path for path in found}, model=model)


def _send(client: "MlflowClient", home: Path, fingerprint: str = "") -> int:
    waiting = list(kept(home, fingerprint))
    for folder in waiting:
        record = load(folder)
        identity = write(client, record, home)
        what, place = WORDS[record.kind], mlflow_store.place(home)
        log.info("MLflow: sent the %s of run %s (%s) to %s", what, record.name, identity, place)
        shutil.rmtree(folder)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()
    return len(waiting)


def _keep(records: Sequence[Record], home: Path) -> None:
    try:
        waiting = {folder.name for folder in kept(home, records[-1].fingerprint)}
        for record in records:
            if record.kind not in waiting or record is records[-1]:
                folder = keep(record, home)
    except (OSError, AssayError) as failed:
        log.warning("The run could not be kept either (%s). Outputs are complete; send it later with", failed)
    else:
        log.warning("Outputs are complete and the run is kept in %s; send it later with", folder.relative_to(home))
    log.warning("  %s", SEND)
