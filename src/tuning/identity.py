"""What the trials of the stage depend on, so that its study is found again by its inputs, and by nothing else."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import src
from src.params import Params
from src.paths import PREPARED, RAW, SPLIT
from src.tracking import trace
from src.tuning import fingerprint
from src.tuning.settings import canonical, value

# The code that trains, judges and proposes. Of what else a stage imports no score depends.
CODE = (
    "parts.py", "seeds.py", "imaging", "models", "training",
    "evaluation/metrics.py", "evaluation/predict.py", "evaluation/ranking.py", "evaluation/scored.py",
    "evaluation/threshold.py",
    "tuning/checking.py", "tuning/driver.py", "tuning/graphs.py", "tuning/judging.py", "tuning/pruning.py",
    "tuning/sampling.py", "tuning/scoring.py", "tuning/settings.py", "tuning/space.py", "tuning/study.py",
    "tuning/trial.py", "tuning/variants.py",
)  # fmt: skip
LENGTH = 10  # hexadecimal digits of a name
THROUGH_DATA = ("dataset.", "split.")  # parameters that trials meet in images and parts alone
POSITIVE = "dataset.positive"


def of(params: Params) -> dict[str, Any]:
    """Give all that the trials depend on: with the same identity one worker comes to the same trials.

    How many trials there shall be is not in it: a larger number goes on with those that are there.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    found = fingerprint.take(params, PREPARED, SPLIT)
    content = params.model_dump(mode="json")
    space = params.tune.space
    sometimes = {name: value(content, name) for name, entry in space.items() if entry.when}  # the file's value else
    raw = {"raw": trace.digest(RAW.folder)} if any(name.startswith("preprocess.") for name in space) else {}
    return {
        **{name: each for name, each in found.items() if name == POSITIVE or not name.startswith(THROUGH_DATA)},
        **sometimes,
        **{name: value(content, name) for name in ("train.threads", "train.gpus", "tune.sampler", "tune.pruner")},
        **raw,
        "code": code(),
    }


def training(params: Params) -> dict[str, Any]:
    """Give what the result of a training depends on besides its own params and seed, the threads included."""
    whole = of(params)
    return {name: whole[name] for name in ("images", "split", "train.threads", "raw", "code") if name in whole}


def name(kind: str, about: Mapping[str, Any]) -> str:
    """Name what is kept for an identity.

    >>> name("tune", {"seed": 42})
    'tune-2a6d2033c7'
    """
    return f"{kind}-{hashlib.sha256(canonical(about).encode()).hexdigest()[:LENGTH]}"


def code() -> str:
    """Hash the code that trains."""
    root = Path(src.__file__).parent
    return hashlib.sha256(canonical({name: trace.digest(root / name) for name in CODE}).encode()).hexdigest()
