"""What the values of a study depend on besides what it varies, so that one study never holds two questions."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from src.errors import AssayError
from src.params import Params
from src.paths import Prepared, Split

# Where the images come from is told by their content; threads are what each worker may use.
WITHOUT = {
    "dataset.source", "dataset.sha256", "dataset.max_unpacked_gb", "dataset.max_download_gb",
    "preprocess.max_rejected", "split.leaks",
    "evaluate.confidence", "evaluate.resamples", "evaluate.mistakes", "train.threads", "train.gpus",
}  # fmt: skip
SHOWN = 3
Fingerprint = Mapping[str, Any]


def take(params: Params, prepared: Prepared, split: Split) -> dict[str, Any]:
    """Give dotted names with plain values: parameters outside the space, the space, the metric, hashes of the data.

    Raises:
        AssayError: the prepared images or the split are not there.
    """
    values = params.model_dump(mode="json", exclude={"track"})
    tune = values.pop("tune")
    space = tune["space"]
    outside = {name: value for name, value in _flat(values) if name not in WITHOUT and name not in space}
    return {
        **outside,
        "tune.metric": tune["metric"],
        **{f"tune.space.{name}": entry for name, entry in space.items()},
        "images": _digest(prepared.images, prepared.index),
        "split": _digest(split.parts),
    }


def difference(there: Fingerprint, here: Fingerprint) -> str:
    """Say in a line what differs between a study and what it is asked to go on with; empty if nothing does."""
    nothing = object()
    names = [name for name in {**there, **here} if there.get(name, nothing) != here.get(name, nothing)]
    parts = [_part(name, there, here) for name in names]
    rest = len(parts) - SHOWN
    return "; ".join(parts[:SHOWN] + ([f"and {rest} more"] if rest > 0 else []))


def _part(name: str, there: Fingerprint, here: Fingerprint) -> str:
    if name in ("images", "split"):
        return {"images": "other images", "split": "another split"}[name]
    before, now = (json.dumps(each[name]) if name in each else "nothing" for each in (there, here))
    return f"{name} was {before}, is {now}"


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _digest(*paths: Path) -> str:
    found = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as stream:
                found.update(hashlib.file_digest(stream, "sha256").digest())
        except FileNotFoundError as error:
            raise AssayError(f"{path}: not found; run `dvc repro split`") from error
    return found.hexdigest()
