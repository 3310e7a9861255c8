"""What the trials of a study depend on besides what it varies, so that one study never holds two questions.

Both ways to search share it: the stage names its study after it, so that the study is found again by its inputs and by
nothing else; `python -m src.tune` compares it with the one that the named study began with.
"""

import json
from collections.abc import Mapping
from typing import Any

from src.config import Params
from src.core import nested
from src.core.errors import listed
from src.executors import training_inputs
from src.executors.training_inputs import CODE_OF

Fingerprint = Mapping[str, Any]
# Trials meet these sections in images and parts alone; threads are what each worker may use.
THROUGH_DATA = ("dataset.", "split.")
POSITIVE = "dataset.positive"
WITHOUT = {
    "preprocess.max_rejected", "evaluate.confidence", "evaluate.resamples", "evaluate.tta", "evaluate.mistakes",
}  # fmt: skip
# What may change within a study that a person has named: which values come next, and how fast.
CHANGEABLE = ("train.threads", "train.gpus", "tune.sampler", "tune.pruner")
# The code that proposes and stops; that of a training comes with its inputs.
CODE = (
    "src/tune/driver.py", "src/tune/pruner.py", "src/tune/sampler.py", "src/tune/space.py", "src/tune/study.py",
    "src/tune/trials_view.py",
)  # fmt: skip
WORDS = {"images": "other images", "split": "another split", "raw": "other raw images"}
SHOWN = 3


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
    return {
        **{name: each for name, each in nested.flat(content) if _matters(name, set(space) - sometimes)},
        **{name: nested.get(content, name) for name in sometimes},
        **{f"tune.{name}": tune[name] for name in ("metric", "sampler", "pruner")},
        **{f"tune.space.{name}": entry for name, entry in tune["space"].items()},
        **training_inputs.of(params),
        **training_inputs.code(CODE),
    }


def difference(there: Fingerprint, here: Fingerprint) -> str:
    """Return in one line what differs between a study and what it is asked to go on with; empty if nothing does."""
    nothing = object()
    names = [name for name in {**there, **here} if there.get(name, nothing) != here.get(name, nothing)]
    # A parameter that is varied only sometimes has changed in params.yaml where --apply has put the winner there.
    names = [name for name in names if name not in CHANGEABLE and f"tune.space.{name}" not in here]
    parts = list(dict.fromkeys(_part(name, there, here) for name in names))
    return listed(parts, SHOWN, "; ")


def _part(name: str, there: Fingerprint, here: Fingerprint) -> str:
    if name.startswith(CODE_OF):
        return f"other {name}"
    if name in WORDS:
        return WORDS[name]
    before, now = (json.dumps(each[name]) if name in each else "nothing" for each in (there, here))
    return f"{name} was {before}, is {now}"


def _matters(name: str, space: set[str]) -> bool:
    within = any(name == each or name.startswith(f"{each}.") for each in space)
    return name == POSITIVE or not (within or name in WITHOUT or name.startswith(THROUGH_DATA))
