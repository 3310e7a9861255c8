"""One choice has one home: what is added in its one file is at once a value that params.yaml may have."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src import config
from src.core.errors import AssayError
from src.core.nested import put
from tests import sections
from tests.conftest import ROOT

METRIC = '    Metric("mine", "Mine", "mine", sample=lambda s: s.mean(s.correct)),\n'
FEATURES = "def features(image, *, dropout, stride, pooling):\n    return image\n"
# What is added: the file, the line of the table after which it stands (of a folder none), its text, and the key that
# takes the new value.
ADDED = {
    "schedule": (
        "train/optimizers.py", "SCHEDULES = {\n", '    "mine": ScheduleRule(_constant),\n', "train.schedule.name"
    ),
    "optimizer": (
        "train/optimizers.py",
        "OPTIMIZERS = {\n",
        '    "mine": Optimizer(keras.optimizers.Lion, 1e-4),\n',
        "train.optimizer",
    ),
    "balance": ("train/class_balance.py", "BALANCES = {\n", '    "mine": Balance(weighted=True),\n', "train.balance"),
    "pruner": (
        "tune/pruner.py", "BasePruner]] = {\n", '    "mine": lambda of, epochs: NopPruner(),\n', "tune.pruner.name"
    ),
    "sampler": (
        "tune/sampler.py", "BaseSampler]] = {\n", '    "mine": lambda of, seed: RandomSampler(),\n', "tune.sampler.name"
    ),
    "metric": ("metrics/scores.py", "METRICS = (\n", METRIC, "tune.metric"),
    "threshold rule": (
        "metrics/threshold.py", "RULES = {\n", '    "mine": ThresholdRule("mine", _f1),\n', "evaluate.threshold"
    ),
    "layout": ("download/layouts/mine.py", "", "def read(files):\n    return []\n", "dataset.layout"),
    "step": ("preprocess/steps/mine.py", "", "def apply(image, frame):\n    return image\n", "preprocess.steps"),
    "model": ("models/mine.py", "", FEATURES, "model.name"),
}  # fmt: skip
USE = """
import json, sys
from src import config
from src.metrics.scores import BY_NAME
from src.config import overrides
from src.metrics import objectives
from src.tune import pruner, sampler
for name, content in json.load(sys.stdin).items():
    params = config.parse(content)
    overrides.key(content, 1)
    pruner.build(params.tune.pruner, 9), sampler.build(params.tune.sampler, 1)
    assert all(objectives.direction(one) for one in params.tune.metric), name
assert "mine" in BY_NAME
"""


def content(kind: str) -> dict:
    """Return params.yaml with the added value in the place where it is chosen."""
    changed = json.loads(json.dumps(sections.CONTENT))
    put(changed, ADDED[kind][3], ["mine"] if kind in ("step", "metric") else "mine")
    return changed


@pytest.mark.parametrize("kind", ADDED)
def test_a_value_that_nothing_defines_is_refused(kind: str) -> None:
    with pytest.raises(AssayError, match=r"mine|threshold"):
        config.parse(content(kind))


def test_each_choice_is_added_in_one_file_and_can_be_used(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for file, after, text, _ in ADDED.values():
        path = tmp_path / "src" / file
        before = path.read_text() if after else ""
        assert before.count(after) == 1 or not after, file
        path.write_text(before.replace(after, after + text) if after else text)
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, input=json.dumps({kind: content(kind) for kind in ADDED}),
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
