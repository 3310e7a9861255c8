"""The order of the rooms of src: an import only ever points to an earlier one."""

import pytest

from tests.closure import ROOT, imports

ROOMS = (
    "errors", "redact", "nearest", "plugins", "files", "markdown", "yaml_text", "yaml_reading",
    "seeds", "signals", "progress", "console", "paths", "parts", "metrics",
    "params", "datasets", "imaging", "splitting", "models", "training", "evaluation", "tracking",
    "presets", "tuning", "compare", "reproduce", "tune",
)  # fmt: skip
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.py"))


METRICS = ("scored", "ranking", "metrics", "threshold", "intervals")  # of evaluation: a room below params


def room(path: str) -> str:
    if path in {f"src/evaluation/{name}.py" for name in METRICS} | {"src/training/scores.py"}:
        return "metrics"
    return path.split("/")[1].removesuffix(".py")


@pytest.mark.parametrize("path", [path for path in FILES if path != "src/__init__.py"])
def test_a_file_imports_only_from_its_own_room_and_earlier_ones(path: str) -> None:
    floor = ROOMS.index(room(path))
    above = {file for file in imports(path) - {"src/__init__.py"} if ROOMS.index(room(file)) > floor}
    assert not above


@pytest.mark.parametrize("path", [path for path in FILES if room(path) != "tracking"])
def test_only_tracking_imports_mlflow(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert "import mlflow" not in source
    assert "from mlflow" not in source


def test_stages_import_src_and_nothing_imports_stages() -> None:
    for path in FILES:
        assert not {file for file in imports(path) if file.startswith("stages/")}, path
