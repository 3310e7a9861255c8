"""The small repository of the presets' tests, where `python -m src.start` is used too."""

from pathlib import Path

import pytest

from tests.helpers_presets import repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return repository(tmp_path / "a project", monkeypatch)
