"""The command takes its words before those of params.yaml, and refuses what cannot be."""

from pathlib import Path

import pytest

from src.core import files, paths
from src.core.errors import AssayError
from src.probe import feature_network
from src.repeat import __main__ as command
from tests.repeat.helpers import grouped_home


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a repository where the pixels themselves are the features, and brightness tells the class."""
    home = grouped_home(tmp_path / "home")
    monkeypatch.chdir(home.folder)
    monkeypatch.setenv("DVC_STAGE", "repeat")
    monkeypatch.setattr("src.tracking.study_run.send", lambda *_: True)
    flat = lambda images, rows: images[rows].reshape(len(rows), -1).astype("f4")  # noqa: E731
    monkeypatch.setattr(feature_network, "features", flat)
    return home.folder


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["repeat", *words])
    command.main()


def test_the_probe_scores_all_folds(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--model", "probe", "--over", "all", "--folds", "4", "--seeds", "1")
    about = files.read_json(paths.REPEATED.scores)
    assert (about["model"], about["over"], about["folds"], about["seeds"]) == ("probe", "all", 4, 1)
    assert about["images"] == 60
    assert about["scores"]["auc"]["value"] > 0.8


@pytest.mark.parametrize("words", [("--workers", "0"), ("--model", "forest")])
def test_what_cannot_be_is_refused(words: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, *words)


@pytest.mark.usefixtures("here")
def test_a_value_out_of_range_names_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssayError, match=r"python -m src.repeat: repeat.folds: expected a number of at least 2"):
        run(monkeypatch, "--folds", "1")
    with pytest.raises(AssayError, match=r"--refit: expected repeat.model: network"):
        run(monkeypatch, "--refit", "2", "--model", "probe")
    with pytest.raises(AssayError, match=r"model.keras: not found; run `python -m src.repeat` with --model network"):
        run(monkeypatch, "--test")
