"""The code that each stage of dvc.yaml depends on, read from the import graph: `make deps` writes it.

A stage lists rooms of src as folders. A line for each file would be exact, but DVC parses its files in pure Python at
every command, and nobody can read a list of a hundred. `config` is left out, as its values are the params of the stage,
and so is `tracking`, which changes no output. Exceptions are the modules that write the fingerprint and the params of a
trial.
"""

from pathlib import Path
from typing import Any

import grimp
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
FILES = ("dvc.yaml", "tuning/stages.yaml", "repeat/stages.yaml")
NO_INPUT = {"config", "tracking"}
CONFIG = "src.config"
APPLICATION = "src.predict.application"  # packs code into the bundle, including that of `config`
FINGERPRINT = "src.tracking.fingerprint"
FINGERPRINTED = {"stages.train", "stages.tune", "stages.confirm"}  # their outputs contain a fingerprint
OVERRIDES = "src.config.overrides"  # which values a trial has, and which trainings count as the same
COMPARING = {"stages.tune", "stages.confirm", "stages.repeat"}  # for other stages, it only names a cache
MODELS = "models"
CHOSEN_MODEL = "src/models/${model.name}.py"  # a change of the others needs no new training
ALL_MODELS = {"tuning/stages.yaml", "repeat/stages.yaml"}  # in other folders, where DVC does not know model.name
GALLERY, FIGURES = "src.evaluate.gallery", "src.evaluate.figures"  # imported by name, which the graph does not show


def code_deps(entry: str, *, all_models: bool = False) -> list[str]:
    """Return the code that the stage with this entry module lists in its deps, sorted.

    Raises:
        ValueError: there is no such module.
    """
    graph = grimp.build_graph("src", "stages", cache_dir=None)
    if entry not in graph.modules:
        raise ValueError(f"{entry}: no such module")
    found = {f"{entry.replace('.', '/')}.py"}
    imported = _imported(entry, graph)
    no_input = NO_INPUT - ({"config"} if APPLICATION in imported else set())
    for module in imported - {"src", "stages", entry}:
        room = module.split(".")[1]
        if module == FINGERPRINT:
            found |= {_file(module)} if entry in FINGERPRINTED else set()
        elif module == OVERRIDES and entry in COMPARING:
            found.add(_file(module))
        elif room == MODELS and not all_models:
            found |= {_file(module)} | ({CHOSEN_MODEL} if module == f"src.{MODELS}" else set())
        elif room not in no_input:
            found.add(_file(f"src.{room}") if (ROOT / "src" / f"{room}.py").is_file() else f"src/{room}")
    return sorted(found)


def read(file: str) -> Any:
    """Read one of the pipeline files."""
    return _yaml().load(ROOT / file)


def entry(stage: dict[str, Any]) -> str:
    """Return the module that a stage's command runs."""
    return str(stage["cmd"]).removeprefix("python -m ").split()[0]


def is_code(dep: str) -> bool:
    """Return whether a dependency of a stage is code, not data."""
    return dep.split("/")[0] in {"src", "stages"}


def rewrite(file: str) -> None:
    """Update the code in the deps of every stage of a pipeline file, keeping the data and the comments."""
    pipeline = read(file)
    for stage in pipeline["stages"].values():
        needed = code_deps(entry(stage), all_models=file in ALL_MODELS)
        stage["deps"] = needed + [dep for dep in stage["deps"] if not is_code(dep)]
    with (ROOT / file).open("w", encoding="utf-8") as stream:
        _yaml().dump(pipeline, stream)


def _imported(entry: str, graph: grimp.ImportGraph) -> set[str]:
    """Return all modules that one imports, directly or not, also by name; not those that `config` alone imports."""
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            if module == f"src.{MODELS}":  # which the chosen model may import
                waiting += [child for child in graph.find_children(module) if child.split(".")[-1].startswith("_")]
            if module == GALLERY:
                waiting += graph.find_children(FIGURES)
            if not module.startswith(CONFIG):
                waiting += graph.find_modules_directly_imported_by(module)
    return found


def _file(module: str) -> str:
    path = Path(*module.split("."))
    return (path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")).as_posix()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


if __name__ == "__main__":
    for name in FILES:
        rewrite(name)
