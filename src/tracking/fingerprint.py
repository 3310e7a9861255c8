"""The fingerprint: one hash of everything that determines what a stage writes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.core import dvc_state, files, nested, yaml_file
from src.core.errors import AssayError
from src.core.files import read_json
from src.core.paths import PARAMS

PIPELINE = Path("dvc.yaml")
BUILT = "build/"  # dependencies in this folder are data that an earlier stage wrote; all others are code
TEMPLATE = re.compile(r"\$\{\s*([\w.]+)\s*\}")
COMPILED = re.compile(r"(^|/)__pycache__/|\.pyc$")


@dataclass(frozen=True)
class Fingerprint:
    """The hash of all inputs of a stage, with code, data and parameters apart, so that fingerprints can be compared.

    Hashes are sha256 in hexadecimal: `code` is one hash over all modules, `data` has one for each file or folder.
    `params` holds the values themselves.
    """

    sha256: str
    code: str
    data: Mapping[str, str]
    params: Mapping[str, Any]


def compute(stage: str, root: Path = Path()) -> Fingerprint:
    """Hash exactly the dependencies and parameters that dvc.yaml lists for a stage.

    Raises:
        AssayError: dvc.yaml has no such stage, or a dependency or parameter that it lists is missing.
    """
    params, stages = yaml_file.read(root / PARAMS) or {}, (yaml_file.read(root / PIPELINE) or {}).get("stages", {})
    if stage not in stages:
        raise AssayError(f"{PIPELINE}: expected a stage {stage!r}, found {', '.join(stages)}")
    wanted = {key: nested.get(params, key) for key in stages[stage].get("params", [])}
    deps = (TEMPLATE.sub(lambda found: str(nested.get(params, found[1])), dep) for dep in stages[stage].get("deps", []))
    hashes = {name: digest(root / name) for name in sorted(deps)}
    code = {name: value for name, value in hashes.items() if not name.startswith(BUILT)}
    data = {name: value for name, value in hashes.items() if name.startswith(BUILT)}
    return Fingerprint(_key([hashes, wanted]), _key(code), data, wanted)


def read(path: Path) -> Fingerprint:
    """Read the fingerprint that a training wrote.

    Raises:
        AssayError: the file is missing, so nothing was trained here.
    """
    if not path.is_file():
        raise AssayError(f"{path}: not found; train with `dvc repro`")
    return Fingerprint(**read_json(path))


def params_locked(stage: str) -> bool:
    """Return whether params.yaml has the values of a stage's last run; True if dvc.lock records no such run."""
    locked = dvc_state.last_run(stage).get("params", {}).get(PARAMS.name, {})
    now = yaml_file.read(PARAMS) or {}
    return all(nested.get(now, key) == value for key, value in locked.items())


def digest(path: Path) -> str:
    """Hash a file's content, or the relative names and contents of all files below a folder, except compiled modules.

    Raises:
        AssayError: the path does not exist.
    """
    if path.is_dir():
        names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        return _key({name: digest(path / name) for name in names if not COMPILED.search(name)})
    return files.digest(path, f"{PIPELINE} lists it; run `dvc repro`")


def _key(value: Any) -> str:
    return files.digest_of(json.dumps(value, sort_keys=True))
