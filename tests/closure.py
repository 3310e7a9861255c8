"""Which files of this repository an entry point imports, read from the source without running it."""

import ast
from collections.abc import Iterator
from pathlib import Path

# A package whose modules are chosen by name in params.yaml, and what dvc.yaml lists for the chosen one.
CHOSEN = {"src/datasets/layouts", "src/imaging/steps", "src/models"}


def closure(entry: str, root: Path) -> set[str]:
    """List the entry module and everything below src and stages that it imports, directly or not, as posix paths."""
    found: set[str] = set()
    waiting = [_file(entry, root)]
    while waiting:
        path = waiting.pop()
        if path is None or path in found:
            continue
        found.add(path)
        waiting += [_file(name, root) for name in _imports(path, root)]
    return found


def imports(path: str, root: Path) -> set[str]:
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
