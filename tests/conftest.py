"""Fixtures that every room's tests may use."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real image archives beside the repository, or skip where it is missing."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(autouse=True)
def _no_server_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests from writing to a tracking server that the calling shell, or an earlier test, has named."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
