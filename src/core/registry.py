"""Things chosen by name in params.yaml: each is one module in a package, or one entry of a table in a module.

Names are read without importing anything: with some of the modules comes TensorFlow, which takes ten seconds.
"""

import ast
import importlib
from functools import cache
from importlib.resources import files
from types import ModuleType

from src.core.errors import AssayError, suggestion

SHARED = ("dropout", "stride", "pooling")  # options of params.yaml that models have in common
_ROOT = files("src")  # a folder, or in the application of a bundle a zip


def names(registry: str) -> tuple[str, ...]:
    """List the modules of a package below src by file name, or the keys of a table, written `module:TABLE`.

    >>> "covid_ct" in names("download.layouts"), "cosine" in names("train.schedules:SCHEDULES")
    (True, True)
    """
    if ":" in registry:
        return tuple(_table(registry))
    found = [file.name for file in _ROOT.joinpath(*registry.split(".")).iterdir()]
    return tuple(sorted(name[:-3] for name in found if name.endswith(".py") and not name.startswith("_")))


def options(registry: str, name: str) -> tuple[str, ...]:
    """List the options of params.yaml that an entry reads: of a table its keyword `options`, of a module its OPTIONS.

    A model without OPTIONS reads all that models share.

    >>> options("train.optimizers:OPTIMIZERS", "sgd"), options("models", "malaria_cnn")
    (('momentum',), ('stride', 'pooling'))
    """
    if ":" not in registry:
        return _of_module(registry, name)
    entry = _table(registry)[name]
    keywords = entry.keywords if isinstance(entry, ast.Call) else []
    return next((tuple(ast.literal_eval(each.value)) for each in keywords if each.arg == "options"), ())


@cache
def _of_module(package: str, name: str) -> tuple[str, ...]:
    tree = ast.parse(_ROOT.joinpath(*package.split("."), f"{name}.py").read_text("utf-8"))
    assigned = (
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OPTIONS"
    )
    return next((tuple(ast.literal_eval(node.value)) for node in assigned), SHARED)


@cache
def _table(registry: str) -> dict[str, ast.expr]:
    """Read the entries of a dictionary from the source of its module."""
    module, _, table = registry.partition(":")
    tree = ast.parse(_ROOT.joinpath(*f"{module}.py".replace(".", "/", module.count(".")).split("/")).read_text("utf-8"))
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == table for target in targets):
            entries = zip(node.value.keys, node.value.values, strict=True)
            return {str(key.value): value for key, value in entries if isinstance(key, ast.Constant)}
    raise LookupError(registry)


def load(package: str, name: str) -> ModuleType:
    """Import the one module that `name` stands for.

    Raises:
        AssayError: there is no such module; the message lists the choices.
    """
    known = names(package)
    if name not in known:
        raise AssayError(f"{package}: no {name!r}{suggestion(name, known)}; known: {', '.join(known)}")
    return importlib.import_module(f"src.{package}.{name}")
