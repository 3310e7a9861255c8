"""Fixtures: a small repository with a database, a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracking.helpers import Server, fill


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a repository of its own, as the current folder, with the default store."""
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "a project"  # spaces are allowed
    fill(home)
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def ready(project: Path, made_database: Path) -> Path:
    """Give a repository whose database is there already."""
    (project / "mlflow.db").write_bytes(made_database.read_bytes())
    return project


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, made_database: Path) -> Iterator[Server]:
    """Give one server for all tests, which a test starts when it wants it to be there."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(made_database.read_bytes())
    running = Server(folder)
    yield running
    running.stop()
