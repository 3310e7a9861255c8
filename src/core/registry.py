"""Plugins chosen by name in params.yaml: each is a module in a package, or an entry of a table in a module.

Names are read without importing: some of the modules import TensorFlow, which takes ten seconds.
"""

import ast
import importlib
from functools import cache
from importlib.resources import files
from types import ModuleType

from src.core.errors import AssayError, suggestion

SHARED = ("dropout", "stride", "pooling")  # options of params.yaml that models share
_ROOT = files("src")  # a folder, or a zip file in the application of a bundle


def names(registry: str) -> tuple[str, ...]:
    """List the modules of a package below src by file name, or the keys of a table, written `module:TABLE`.

    >>> "covid_ct" in names("download.layouts"), "cosine" in names("train.optimizers:SCHEDULES")
    (True, True)
    """
    if ":" in registry:
        return tuple(_table(registry))
    found = [file.name for file in _ROOT.joinpath(*registry.split(".")).iterdir()]
    return tuple(sorted(name[:-3] for name in found if name.endswith(".py") and not name.startswith("_")))


def options(registry: str, name: str) -> tuple[str, ...]:
    """List the options of params.yaml that an entry reads: the keyword `options` of a table entry, OPTIONS of a module.

    A model without OPTIONS reads all shared options.

    >>> options("train.optimizers:OPTIMIZERS", "sgd"), options("models", "malaria_cnn")
    (('momentum',), ('stride', 'pooling'))
    """
    if ":" in registry:
        entry = _table(registry)[name]
        found = {each.arg: each.value for each in entry.keywords} if isinstance(entry, ast.Call) else {}
        return tuple(ast.literal_eval(found["options"])) if "options" in found else ()
    assigned = _assigned(f"{registry}.{name}")
    return tuple(ast.literal_eval(assigned["OPTIONS"])) if "OPTIONS" in assigned else SHARED


def _table(registry: str) -> dict[str, ast.expr]:
    """Return the entries of a dictionary, parsed from the source of its module."""
    module, _, name = registry.partition(":")
    table = _assigned(module)[name]
    assert isinstance(table, ast.Dict)
    entries = zip(table.keys, table.values, strict=True)
    return {str(key.value): value for key, value in entries if isinstance(key, ast.Constant)}


@cache
def _assigned(module: str) -> dict[str, ast.expr]:
    """Return the expression assigned to each top-level name in the source of a module."""
    *folders, file = module.split(".")
    tree = ast.parse(_ROOT.joinpath(*folders, f"{file}.py").read_text("utf-8"))
    plain = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    typed = [node for node in tree.body if isinstance(node, ast.AnnAssign)]
    return plain | {ast.unparse(node.target): node.value for node in typed if node.value}


def load(package: str, name: str) -> ModuleType:
    """Import the module called `name` of a package.

    Raises:
        AssayError: there is no such module; the message lists the choices.
    """
    known = names(package)
    if name not in known:
        raise AssayError(f"{package}: no {name!r}{suggestion(name, known)}; known: {', '.join(known)}")
    return importlib.import_module(f"src.{package}.{name}")
