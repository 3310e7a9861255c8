"""The inputs of trainings besides their params and seed: images, parts and code, brought up to date and hashed."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import src
from src.config import Params
from src.config.overrides import canonical
from src.core import dvc_command
from src.core.errors import AssayError
from src.core.files import digest_of
from src.core.paths import PREPARED, RAW, SPLIT, STUDIES
from src.tracking import fingerprint

log = logging.getLogger(__name__)
LAST = "split"
WITHIN = "DVC_STAGE"  # DVC sets it for the command of a stage: then the repository is locked and the inputs are ready
# The code that prepares images, trains and scores. No score depends on the other modules that a training imports.
CODE = (
    "src/core/partition.py", "src/core/random_streams.py", "src/metrics", "src/images", "src/models",
    "src/preprocess", "src/train", "src/evaluate/predict.py", "src/config/overrides.py", "src/executors/training.py",
    "src/executors/variants.py",
)  # fmt: skip
CODE_OF = "code of "
LENGTH = 10  # hexadecimal digits of a name


def bring_up_to_date() -> None:
    """Run `dvc repro split` if anything that the parts depend on has changed.

    Raises:
        AssayError: a stage failed; its own message says why.
        KeyboardInterrupt: after Ctrl-C, once DVC has ended.
    """
    if WITHIN in os.environ or dvc_command.run("status", "--quiet", "--with-deps", LAST) == 0:
        return
    log.info("inputs: dvc repro %s", LAST)
    if code := dvc_command.run("repro", LAST):
        raise AssayError(f"inputs: expected `dvc repro {LAST}` to succeed, found exit code {code}; see above")


def of(params: Params) -> dict[str, str]:
    """Return hashes of images, parts and code by name, and of the raw images if trials prepare their own.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    for path in (PREPARED.images, PREPARED.index, SPLIT.parts):
        if not path.is_file():
            raise AssayError(f"{path}: not found; run `dvc repro split`")
    preparing = any(name.startswith("preprocess.") for name in params.tune.space)
    return {
        "images": canonical([fingerprint.digest(PREPARED.images), fingerprint.digest(PREPARED.index)]),
        "split": fingerprint.digest(SPLIT.parts),
        **({"raw": fingerprint.digest(RAW.folder)} if preparing else {}),
        **code(CODE),
    }


def code(wanted: tuple[str, ...]) -> dict[str, str]:
    """Return hashes of files and folders of src by name."""
    return {f"{CODE_OF}{name}": fingerprint.digest(Path(src.__file__).parents[1] / name) for name in wanted}


def folder(kind: str, params: Params) -> Path:
    """Return the folder that caches results of trainings for these images, parts, code and number of threads."""
    return STUDIES / name(kind, {**of(params), "train.threads": params.train.threads})


def name(kind: str, about: Mapping[str, Any]) -> str:
    """Return a name for what is stored under a fingerprint: the kind and a short hash.

    >>> name("tune", {"seed": 42})
    'tune-2a6d2033c7'
    """
    return f"{kind}-{digest_of(canonical(about))[:LENGTH]}"
