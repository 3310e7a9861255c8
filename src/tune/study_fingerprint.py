"""What the trials of a study depend on besides what it varies, so that one study never holds two questions.

Both ways to search share it: the stage names its study after it, so that the study is found again by its inputs and by
nothing else; `python -m src.tune` compares it with the one that the named study began with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import src
from src.config import Params
from src.core import nested
from src.core.errors import AssayError
from src.core.files import digest_of
from src.core.paths import PREPARED, RAW, SPLIT
from src.tracking import fingerprint
from src.tune.overrides import canonical

Fingerprint = Mapping[str, Any]
# Trials meet these sections in images and parts alone; threads are what each worker may use.
THROUGH_DATA = ("dataset.", "split.")
POSITIVE = "dataset.positive"
WITHOUT = {
    "preprocess.max_rejected", "evaluate.confidence", "evaluate.resamples", "evaluate.tta", "evaluate.mistakes",
}  # fmt: skip
# What may change within a study that a person has named: which values come next, and how fast.
CHANGEABLE = ("train.threads", "train.gpus", "tune.sampler", "tune.pruner")
# The code that trains, scores and proposes. Of what else a study imports no score depends.
CODE = (
    "src/core/partition.py", "src/core/random_streams.py", "src/metrics", "src/images", "src/models",
    "src/preprocess", "src/train", "src/evaluate/predict.py",
    "src/tune/driver.py", "src/tune/pruner.py", "src/tune/sampler.py", "src/tune/metric.py",
    "src/tune/trials_view.py", "src/tune/overrides.py", "src/tune/space.py", "src/tune/study.py",
    "src/tune/objective.py", "src/tune/prepared_cache.py",
)  # fmt: skip
CODE_OF = "code of "
WORDS = {"images": "other images", "split": "another split", "raw": "other raw images"}
SHOWN = 3
LENGTH = 10  # hexadecimal digits of a name


def of(params: Params) -> dict[str, Any]:
    """Return all that the trials depend on by name: with the same fingerprint one worker comes to the same trials.

    It holds parameters outside the space, the space, the metric, and hashes of images, parts and code. How many trials
    there shall be is not in it: a larger number goes on with those that are there.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    content = params.model_dump(mode="json", exclude={"export", "track", "repeat"})
    tune = content.pop("tune")
    space = params.tune.space
    sometimes = {name for name, entry in space.items() if entry.when}  # else the file's value
    outside = {name: each for name, each in nested.flat(content) if _matters(name, set(space) - sometimes)}
    raw = {"raw": fingerprint.digest(RAW.folder)} if any(name.startswith("preprocess.") for name in space) else {}
    return {
        **outside,
        **{name: nested.get(content, name) for name in sometimes},
        "tune.metric": tune["metric"],
        "tune.sampler": tune["sampler"],
        "tune.pruner": tune["pruner"],
        **{f"tune.space.{name}": entry for name, entry in tune["space"].items()},
        "images": canonical([_digest(PREPARED.images), _digest(PREPARED.index)]),
        "split": _digest(SPLIT.parts),
        **raw,
        **{f"{CODE_OF}{name}": fingerprint.digest(Path(src.__file__).parents[1] / name) for name in CODE},
    }


def training(params: Params) -> dict[str, Any]:
    """Return what the result of a training depends on besides its own params and seed, the threads included."""
    wanted = ("images", "split", "train.threads", "raw")
    return {name: each for name, each in of(params).items() if name in wanted or name.startswith(CODE_OF)}


def name(kind: str, about: Fingerprint) -> str:
    """Name what is kept for a fingerprint.

    >>> name("tune", {"seed": 42})
    'tune-2a6d2033c7'
    """
    return f"{kind}-{digest_of(canonical(about))[:LENGTH]}"


def difference(there: Fingerprint, here: Fingerprint) -> str:
    """Return in one line what differs between a study and what it is asked to go on with; empty if nothing does."""
    nothing = object()
    names = [name for name in {**there, **here} if there.get(name, nothing) != here.get(name, nothing)]
    # A parameter that is varied only sometimes has changed in params.yaml where --apply has put the winner there.
    names = [name for name in names if name not in CHANGEABLE and f"tune.space.{name}" not in here]
    parts = list(dict.fromkeys(_part(name, there, here) for name in names))
    rest = len(parts) - SHOWN
    return "; ".join(parts[:SHOWN] + ([f"and {rest} more"] if rest > 0 else []))


def _part(name: str, there: Fingerprint, here: Fingerprint) -> str:
    if name.startswith(CODE_OF):
        known = any(each.startswith(CODE_OF) for each in there)
        return f"other {name}" if known else "other code"
    if name in WORDS:
        return WORDS[name]
    before, now = (json.dumps(each[name]) if name in each else "nothing" for each in (there, here))
    return f"{name} was {before}, is {now}"


def _matters(name: str, space: set[str]) -> bool:
    within = any(name == each or name.startswith(f"{each}.") for each in space)
    return name == POSITIVE or not (within or name in WITHOUT or name.startswith(THROUGH_DATA))


def _digest(path: Path) -> str:
    if not path.is_file():
        raise AssayError(f"{path}: not found; run `dvc repro split`")
    return fingerprint.digest(path)
