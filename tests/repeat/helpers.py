"""A repository to cross-validate in, and trainings that take no time: they find their worker's code by name."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from src.config import Params, parse
from src.config.overrides import with_values
from src.core import console, paths
from src.executors.local import LocalExecutor
from src.executors.protocol import Answer, Finished, Job, Row
from tests.executors.conftest import IMAGES, SMALL, Home, write_home

TARGET = "tests.repeat.helpers:cheap"
FOLDS, SEEDS = 3, 2
MODEL = "tiny.keras"
VALUES = {**SMALL, "repeat.folds": FOLDS, "repeat.seeds": SEEDS, "evaluate.resamples": 100}


def cheap(job: Job, report: Callable[[Row], bool], home: Path) -> Finished:
    """Answer with numbers of seed and row, as fast as the file of that name says, and note what was trained."""
    assert job.fold
    with (home / "begun").open("a") as file:
        file.write(json.dumps({"seed": job.seed, **asdict(job.fold)}) + "\n")
    slow = home / "slow"
    time.sleep(float(slow.read_text()) if slow.exists() else 0.0)
    val, held = (np.array([_probabilities(job.seed, row) for row in rows]) for rows in (job.fold.val, job.fold.held))
    names = ("loss", "accuracy", "auc", "precision", "recall")
    row = {"epoch": 1, **{name: 0.5 for each in names for name in (each, f"val_{each}")}, "learning_rate": 0.1}
    model = (home / MODEL).read_bytes()
    return Finished(job.number, (row,), {}, answer=Answer(val, held, model))


def _probabilities(seed: int, row: int) -> list[float]:
    positive = float(np.random.default_rng((seed, row)).uniform(0.2, 0.8)) + (0.15 if row // 3 % 2 == 0 else -0.15)
    return [round(1 - positive, 8), round(positive, 8)]


def grouped_home(folder: Path) -> Home:
    """Give a repository whose images are in pairs of one group, but for the last ten, and a network to answer with."""
    home = write_home(folder, VALUES)
    lines = [f"{row},{('train', 'train', 'test')[row % 3]},{group(row)}" for row in range(IMAGES)]
    home.split.parts.write_text("\n".join(["row,part,group", *lines]) + "\n")
    return home


def group(row: int) -> str:
    return "" if row >= IMAGES - 10 else f"p{row // 6}{row % 3 == 2}"


def write_network(home: Home) -> None:
    from src import models
    from src.train.stage import write

    write(models.build("compact_cnn", parse(home.content).preprocess.shape, 2), home.folder / MODEL)


def params(home: Home, **values: object) -> Params:
    return parse(with_values(home.content, {name.replace("__", "."): value for name, value in values.items()}))


def start(store: Path, data: Path) -> LocalExecutor:
    return LocalExecutor(1, 1, store, data, target=TARGET)


def forget(home: Home) -> None:
    """Remove what was trained and what was made of it."""
    for path in (paths.REPEATED.folder, Path("build/studies")):
        shutil.rmtree(home.folder / path, ignore_errors=True)
    (home.folder / "begun").unlink(missing_ok=True)


def main() -> None:
    """Cross-validate in the current folder, in a process that a test may kill."""
    from src import config
    from src.repeat import stage

    stage.run(config.load(), start)


if __name__ == "__main__":
    console.run(main)
