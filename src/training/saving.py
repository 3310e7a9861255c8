"""Keras model files whose bytes depend on the model alone."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from src import files

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip file can hold
UNIX = 3


def write(model: keras.Model, path: Path) -> None:
    """Save a model in Keras' own format, without the date and memory addresses that Keras puts into it."""
    with files.replacing(path) as temporary:
        keras.saving.save_model(model, temporary)
        with zipfile.ZipFile(temporary) as archive:
            contents = {name: archive.read(name) for name in sorted(archive.namelist())}
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.create_system = UNIX
                archive.writestr(entry, _canonical(content) if name.endswith(".json") else content)


def _canonical(content: bytes) -> bytes:
    return json.dumps(_without_traces(json.loads(content)), sort_keys=True).encode()


def _without_traces(value: Any) -> Any:
    """Drop the date, and the addresses by which Keras shares objects: those are policies, the same when made twice."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if key not in ("date_saved", "shared_object_id")}
        return {key: _without_traces(inner) for key, inner in kept.items()}
    if isinstance(value, list):
        return [_without_traces(inner) for inner in value]
    return value
