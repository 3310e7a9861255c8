"""Which files of this repository an entry point imports, read from the source without running it.

`python -m tests.closure` writes the result into the deps of dvc.yaml and tuning/dvc.yaml.
"""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
CODE = ("src", "stages")

FILES = ("dvc.yaml", "tuning/dvc.yaml")
WHOLE: dict[str, tuple[str, ...]] = {"tuning/dvc.yaml": ("models",)}  # model.name may be varied
MOST = 0.75  # of a folder's files

# What dvc.yaml lists for a package from which params.yaml chooses modules by name.
CHOSEN = {
    "datasets.layouts": "src/datasets/layouts/${dataset.layout}.py",
    "evaluation.figures": "src/evaluation/figures",
    "imaging.steps": "src/imaging/steps",
    "models": "src/models/${model.name}.py",
}


def code_deps(entry: str, root: Path = ROOT, whole: Collection[str] = ()) -> list[str]:
    """List what the stage with this entry module has to name as code in its deps, sorted.

    whole: packages of which every module may be chosen, whatever params.yaml says.
    """
    found = closure(_module_file(entry, root), root)
    for package in {name for path in found for name in _chosen(path, root)}:
        for module in _modules(package, root):
            found |= closure(module, root) - {module}
        found.add(f"src/{package.replace('.', '/')}" if package in whole else CHOSEN[package])
    found |= {beside for path in list(found) for beside in _read_beside(path, root)}
    return sorted(_folded(found, root))


def closure(start: str, root: Path = ROOT) -> set[str]:
    """List a file and every file of this repository that it imports, directly or not, as posix paths."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in _imports(path, root) if (file := _file(name, root))]
    return found


def rewrite(path: Path, root: Path = ROOT) -> None:
    """Bring the code among the deps of every stage of a file up to date, keeping the data and the comments."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    pipeline = yaml.load(path.read_text(encoding="utf-8"))
    for stage in pipeline["stages"].values():
        needed = code_deps(entry(stage), root, WHOLE.get(path.relative_to(root).as_posix(), ()))
        stage["deps"] = needed + [dep for dep in stage["deps"] if not is_code(dep)]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(pipeline, file)


def entry(stage: dict[str, Any]) -> str:
    """Give the module that a stage's command runs."""
    return str(stage["cmd"]).removeprefix("python -m ").split()[0]


def is_code(dep: str) -> bool:
    """Tell code from data among the deps of a stage."""
    return dep.split("/")[0] in CODE


def _folded(found: set[str], root: Path) -> set[str]:
    """Name a folder instead of its files where most of them are needed.

    DVC parses dvc.lock twice for every command, in pure Python: a hundred files more cost as much as its start.
    Against that stands a stage that now and then runs again for a file of the folder that it does not import.
    """
    parents = {str(folder) for path in found for folder in PurePosixPath(path).parents} - {".", *CODE}
    whole = {folder for folder in parents if _share(folder, found, root) >= MOST}
    return {path for path in found | whole if not _covered(path, (found | whole) - {path})}


def _share(folder: str, found: set[str], root: Path) -> float:
    files = _tracked(folder, root)
    return sum(_covered(file, found) for file in files) / len(files)


def _covered(path: str, names: set[str]) -> bool:
    return path in names or any(str(folder) in names for folder in PurePosixPath(path).parents)


def _tracked(folder: str, root: Path) -> set[str]:
    files = (path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix() for path in files}


def _read_beside(path: str, root: Path) -> Iterator[str]:
    """Find the files in the same folder that a module names in its text, such as a template."""
    if not path.endswith(".py") or not (root / path).is_file():
        return
    folder = (root / path).parent
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value[:1].isalnum():
            beside = folder / node.value
            if len(node.value) < 100 and beside.suffix not in {"", ".py"} and beside.is_file():
                yield beside.relative_to(root).as_posix()


def _chosen(path: str, root: Path) -> Iterator[str]:
    """Find the packages from which a file loads modules by name: plugins.load("models", ...)."""
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "plugins.load":
            yield str(ast.literal_eval(node.args[0]))


def _modules(package: str, root: Path) -> list[str]:
    folder = root.joinpath("src", *package.split("."))
    return [path.relative_to(root).as_posix() for path in folder.glob("*.py") if not path.stem.startswith("_")]


def _module_file(module: str, root: Path) -> str:
    path = _file(module, root)
    if path is None:
        raise ValueError(f"{module}: no such module below {root}")
    return path


def imports(path: str, root: Path = ROOT) -> set[str]:
    """List the files of this repository that a file imports itself, packages on the way left out."""
    return {file for name in _imported(path, root) if (file := _file(name, root)) and file != path}


def _imports(path: str, root: Path) -> Iterator[str]:
    for name in _imported(path, root):
        parts = name.split(".")
        yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _imported(path: str, root: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: relative import; write the whole module name")
            if node.module in {"src", "stages"} or _file(node.module or "", root):
                yield from _members(node, root)


def _members(node: ast.ImportFrom, root: Path) -> Iterator[str]:
    yield str(node.module)
    for alias in node.names:
        if _file(f"{node.module}.{alias.name}", root):
            yield f"{node.module}.{alias.name}"


def _file(module: str, root: Path) -> str | None:
    if module.split(".")[0] not in {"src", "stages", "tests", "benchmarks"}:
        return None
    path = root.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate.relative_to(root).as_posix()
    return None


if __name__ == "__main__":
    for name in FILES:
        rewrite(ROOT / name)
