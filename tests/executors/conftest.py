"""A repository with a small data set that went through the stages before training."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.config import parse
from src.config.overrides import with_values
from src.core import paths
from src.executors.protocol import Finished, Job
from src.preprocess.stage import run as prepare
from tests.conftest import ROOT

SIDE, IMAGES = 24, 60
PARTS = ("train", "val", "test")
CLASSES = ("CT_COVID", "CT_NonCOVID")
SMALL = {
    "preprocess.image_size": SIDE,
    "preprocess.working_size": 32,
    "preprocess.steps": ["gray", "clahe", "resize"],
    "model.name": "tiny_cnn",  # whose steps are compiled in half the time
    "train.epochs": 3,
    "train.batch_size": 8,
    "train.threads": 1,
}
Content = dict[str, Any]


@dataclass(frozen=True)
class Home:
    """A folder as the stages before training leave it, and the content of its params.yaml."""

    folder: Path
    content: Content

    @property
    def raw(self) -> paths.Raw:
        return paths.Raw(self.folder / paths.RAW.folder)

    @property
    def prepared(self) -> paths.Prepared:
        return paths.Prepared(self.folder / paths.PREPARED.folder)

    @property
    def split(self) -> paths.SplitFiles:
        return paths.SplitFiles(self.folder / paths.SPLIT.folder)

    def job(self, number: int = 0, seed: int = 1, **values: Any) -> Job:
        """Make a job with values by name, a double underscore for the dot."""
        named = {name.replace("__", "."): value for name, value in values.items()}
        return Job(number, with_values(self.content, named), seed)


def write_home(folder: Path, values: Mapping[str, Any] = SMALL) -> Home:
    """Draw images whose classes a network can tell apart, prepare them, and deal them out to the parts in turn."""
    from ruamel.yaml import YAML

    content = with_values(YAML(typ="safe", pure=True).load(ROOT / "params.yaml"), values)
    home = Home(folder, content)
    _draw(home.raw)
    (folder / paths.PARAMS).write_text((ROOT / "params.yaml").read_text())
    with (folder / paths.PARAMS).open("w") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    prepare(home.raw, home.prepared, parse(content).preprocess)
    home.split.folder.mkdir(parents=True)
    rows = "".join(f"{row},{PARTS[row % 3]},\n" for row in range(IMAGES))
    home.split.parts.write_text("row,part,group\n" + rows)
    return home


def _draw(raw: paths.Raw) -> None:
    random = np.random.default_rng(7)
    raw.folder.mkdir(parents=True)
    with raw.manifest.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("path", "label", "group", "fold"))
        for number in range(IMAGES):
            label = CLASSES[number // 3 % 2]
            pixels = random.integers(0, 160, (40, 40))
            pixels[:20, 20 * (number // 3 % 2) :][:, :20] += 60
            cv2.imwrite(str(raw.folder / f"{number:02}.png"), pixels.astype(np.uint8))
            rows.writerow((f"{number:02}.png", label, "", ""))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a repository that tests read and do not change, except for build/tuning."""
    return write_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def own_home(tmp_path: Path) -> Home:
    """Give a repository that a test may change."""
    return write_home(tmp_path / "home")


Run = Callable[[Job, Home], Finished]


@pytest.fixture
def run() -> Run:
    """Give what trains a job to its end."""
    from src.executors import training

    return lambda job, home: training.run(job, lambda row: True, home.folder)
