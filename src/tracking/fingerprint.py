"""The fingerprint: one hash of everything that determines what a stage writes."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from src.core import files, nested, yaml_file
from src.core.errors import AssayError
from src.core.files import read_json, write_json
from src.core.paths import PARAMS

PIPELINE = Path("dvc.yaml")
BUILT = "build/"  # dependencies below it are data that an earlier stage wrote, all others are code
TEMPLATE = re.compile(r"\$\{\s*([\w.]+)\s*\}")


@dataclass(frozen=True)
class Fingerprint:
    """The hash of all inputs of a stage, and of each kind of them, so that two fingerprints can be compared.

    Hashes are sha256 in hexadecimal; code is one over all modules, data has one for each file or folder.
    """

    sha256: str
    code: str
    data: Mapping[str, str]
    params: Mapping[str, Any]


def compute(stage: str, root: Path = Path()) -> Fingerprint:
    """Hash the dependencies and parameters of a stage, exactly those that dvc.yaml lists for it.

    Raises:
        AssayError: dvc.yaml has no such stage, or a dependency or parameter that it lists is missing.
    """
    params = _yaml(root / PARAMS)
    described = _stage(stage, root)
    wanted = {key: nested.get(params, key) for key in described.get("params", [])}
    names = sorted(_resolve(name, params) for name in described.get("deps", []))
    hashes = {name: digest(root / name) for name in names}
    code = {name: value for name, value in hashes.items() if not name.startswith(BUILT)}
    data = {name: value for name, value in hashes.items() if name.startswith(BUILT)}
    return Fingerprint(_key([hashes, wanted]), _key(code), data, wanted)


def write_fingerprint(fingerprint: Fingerprint, path: Path) -> None:
    """Write a fingerprint as JSON: the same for the same inputs on any machine."""
    write_json(path, asdict(fingerprint))


def read_fingerprint(path: Path) -> Fingerprint:
    """Read a fingerprint that `write_fingerprint` wrote."""
    return Fingerprint(**read_json(path))


def params_locked(stage: str, lock: Path, root: Path = Path()) -> bool:
    """Return whether params.yaml has the values of the last run of a stage; True where dvc.lock has none."""
    if not (root / lock).is_file():
        return True
    ran: Mapping[str, Any] = _yaml(root / lock).get("stages", {}).get(stage, {}).get("params", {}).get(PARAMS.name, {})
    now = _yaml(root / PARAMS)
    return all(nested.get(now, key) == value for key, value in ran.items())


def digest(path: Path) -> str:
    """Hash the content of a file, or of all files below a folder with their relative names, compiled modules aside.

    Raises:
        AssayError: there is nothing at the path.
    """
    if path.is_dir():
        names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        return _key({name: digest(path / name) for name in names if not _compiled(name)})
    return files.digest(path, f"{PIPELINE} lists it; run `dvc repro`")


def _stage(name: str, root: Path) -> Mapping[str, Any]:
    stages = _yaml(root / PIPELINE).get("stages", {})
    if name not in stages:
        raise AssayError(f"{PIPELINE}: expected a stage {name!r}, found {', '.join(stages)}")
    return stages[name]  # type: ignore[no-any-return]


def _yaml(path: Path) -> Mapping[str, Any]:
    return yaml_file.read(path) or {}


def _resolve(name: str, params: Mapping[str, Any]) -> str:
    return TEMPLATE.sub(lambda match: str(nested.get(params, match[1])), name)


def _compiled(name: str) -> bool:
    return "__pycache__" in name.split("/") or name.endswith(".pyc")


def _key(value: Any) -> str:
    return files.digest_of(json.dumps(value, sort_keys=True))
