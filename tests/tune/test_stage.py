"""The stage confirm takes what it can from a study of this machine, and goes without where that cannot be opened."""

from pathlib import Path

import optuna
import pytest

from src.core.paths import STUDIES
from src.tune.stage import _made_here
from src.tune.storage import JOURNAL, open_storage


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a study."""
    monkeypatch.chdir(tmp_path)
    with open_storage(STUDIES / "one") as storage:
        optuna.create_study(study_name="one", storage=storage)
    return STUDIES / "one"


def test_a_study_of_this_machine_is_opened_and_another_one_is_none(folder: Path) -> None:
    with _made_here(folder.name) as found, _made_here("other") as other:
        assert found
        assert (found.study_name, other) == ("one", None)


def test_a_study_that_is_held_or_damaged_is_none(folder: Path) -> None:
    with open_storage(folder), _made_here(folder.name) as held:
        assert held is None
    (folder / JOURNAL).write_text("damage\n")
    with _made_here(folder.name) as damaged:
        assert damaged is None
