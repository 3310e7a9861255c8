"""Trainings that take no time, with whatever can happen to a real one; workers find them by name."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from src.core.errors import AssayError
from src.executors.protocol import Finished, Job, Row

CHEAP = "tests.executors.helpers_training:cheap"
EPOCHS = 4


def cheap(job: Job, report: Callable[[Row], bool], home: Path) -> Finished:
    """Score x and y of the params; the key `does` names what happens instead, once where a file says that it did."""
    train = job.params["train"]
    rows: list[Row] = []
    for epoch in range(1, train.get("epochs", EPOCHS) + 1):
        _happen(train.get("does", ""), job, epoch, home)
        time.sleep(train.get("seconds", 0.0))
        rows.append({"epoch": epoch, "val_auc": _score(train) * epoch / EPOCHS})
        if not report(rows[-1]):
            return Finished(job.number, tuple(rows), {"val_auc": rows[-1]["val_auc"]}, stopped=True)
    return Finished(job.number, tuple(rows), {"auc": _score(train), "parameters": 10.0})


def _score(train: dict[str, Any]) -> float:
    return float(1 - (train.get("x", 0.5) - 0.3) ** 2 + (0.1 if train.get("kind") == "b" else 0))


def _happen(what: str, job: Job, epoch: int, home: Path) -> None:
    with (home / "begun").open("a") as file:
        file.write(f"{job.number} {epoch} {os.getpid()}\n")
    match what:
        case "fail":
            raise AssayError("x: expected another one")
        case "break":
            raise RuntimeError("a fault\nof two lines")
        case "starve":
            raise MemoryError
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once" if not (home / "died").exists():
            (home / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        case "bar":
            tqdm(disable=True).close()
        case "leak":
            _LEAKED.append(bytearray(os.urandom(2**20) * 20))


_LEAKED: list[bytearray] = []
