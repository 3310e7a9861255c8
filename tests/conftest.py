"""Fixtures that every room's tests may use, and the order in which the rooms' tests begin."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What begins, so that in the end no process waits for another that has one of these left: files that take minutes.
# The first two run at the same time, and the later ones find what test_pipeline.py has made for them.
FIRST = ("pipeline/test_pipeline.py", "pipeline/test_presets.py", "pipeline/test_everyday.py", "pipeline", "tune")
# In a folder whose configuration does not say so, DVC would report each command to its makers, and leave the report in
# the folder of temporary files where there is no network.
os.environ["DVC_NO_ANALYTICS"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(ROOT).as_posix()
        return next((number for number, start in enumerate(FIRST) if name.startswith(f"tests/{start}")), len(FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for what takes long to make, where all processes find what one of them has made."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def made_database(shared_folder: Path) -> Path:
    """Make one database with MLflow's tables, which takes seconds, for the tests of all processes to start from."""
    from src.tracking import mlflow_store

    path = shared_folder / mlflow_store.DATABASE
    mlflow_store.create(path)
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real image archives beside the repository, or skip where it is missing."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture
def at_a_terminal() -> Iterator[None]:
    """Let Ctrl-C interrupt, also where the suite was started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _no_server_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests from writing to a tracking server that the calling shell, or an earlier test, has named."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
