"""A preset takes the place of params.yaml, and nothing that is nowhere else is lost by that."""

from pathlib import Path
from typing import Any

import pytest

from src import presets
from src.config import load
from src.core.errors import AssayError
from src.core.yaml_file import parsed
from tests.helpers_presets import git, put, repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return repository(tmp_path / "a project", monkeypatch)


def text(home: Path) -> str:
    return (home / "params.yaml").read_text(encoding="utf-8")


def edit(home: Path, old: str, new: str) -> None:
    assert old in text(home)
    (home / "params.yaml").write_text(text(home).replace(old, new), encoding="utf-8")


def test_a_preset_is_put_letter_by_letter(home: Path) -> None:
    put("blood_fire", home=home)
    assert text(home) == presets.read("blood_fire", home).text


@pytest.mark.parametrize("source", ["../a b/ü: #1.zip", "data/own", "C:\\x\\'y'.zip", "007", "kaggle:a/b", "{x}"])
def test_a_source_changes_one_line_whatever_letters_it_has(home: Path, source: str) -> None:
    put("malaria_cnn", source, home=home)
    assert load(home / "params.yaml").dataset.source == source
    before, after = presets.read("malaria_cnn", home).text.splitlines(), text(home).splitlines()[1:]
    assert [a.split()[0] for a, b in zip(before, after, strict=True) if a != b] == ["source:"]
    assert "relative to this file" in text(home)


def test_values_are_put_and_told_in_the_first_line(home: Path) -> None:
    changes = {"split.by": "image", "train.augment.rotation": 0.0, "preprocess.steps": ["gray", "resize"]}
    put("covid_tiny", None, changes, home)
    params = load(home / "params.yaml")
    assert (params.split.by, params.train.augment.rotation, params.preprocess.steps) == ("image", 0, ("gray", "resize"))
    first, _, rest = text(home).partition("\n")
    assert presets.given([first.partition(" with ")[2].rpartition(", digest ")[0]]) == changes
    assert rest.startswith("# From: ")
    assert parsed(rest, "params.yaml")["train"]["augment"]["shift"] == 0.2


def test_switching_back_and_forth_is_never_refused(home: Path) -> None:
    put("blood_cnn", "../my data.zip", {"split.by": "image", "train.epochs": 2}, home)
    put("blood_fire", home=home)
    put("covid_compact", home=home)
    assert text(home) == presets.read("covid_compact", home).text


@pytest.mark.parametrize(
    ("old", "new"), [("epochs: 30", "epochs: 31"), ("\nseed: 42", "\n# my own remark\nseed: 42"), ("seed", "(")]
)
@pytest.mark.parametrize("changes", [{}, {"split.by": "image"}], ids=["preset", "other values"])
def test_an_edit_that_is_nowhere_else_is_replaced_only_if_agreed_to_and_kept(
    home: Path, old: str, new: str, changes: dict[str, Any]
) -> None:
    put("blood_cnn", None, changes, home)
    edit(home, old, new)
    edited = text(home)
    with pytest.raises(AssayError, match=r"^params\.yaml: has changes that are in no commit, so it stays as it is"):
        put("blood_fire", home=home)
    assert text(home) == edited
    copy = presets.replace(presets.read("blood_fire", home).text, home, yes=True)
    assert copy is not None
    assert copy.read_text(encoding="utf-8") == edited


def test_an_edit_that_was_committed_may_go(home: Path) -> None:
    edit(home, "epochs: 60", "epochs: 61")
    git(home, "commit", "--quiet", "--all", "--message", "mine")
    put("blood_fire", home=home)
    assert text(home) == presets.read("blood_fire", home).text


def test_without_git_presets_still_take_turns(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    put("blood_fire", home=home)
    edit(home, "epochs: 100", "epochs: 1")
    with pytest.raises(AssayError, match="in no commit"):
        put("blood_cnn", home=home)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("blod_cnn", {}, "no preset 'blod_cnn'; did you mean 'blood_cnn'?; known: blood_cnn, "),
        ("blood_cnn", {"split.bye": "image"}, "presets/blood_cnn.yaml: split.bye: unknown key; did you mean 'by'?"),
        ("blood_cnn", {"split": 1}, "split: expected one value, found a section; known: train, val"),
        ("blood_cnn", {"split.by.x": 1}, "split.by.x: unknown key"),
        ("blood_cnn", {"split.by": "luck"}, "with other values: split.by: expected one of"),
        ("blood_cnn", {"split.train": 0.6}, "expected train + val + test to be 1"),
        ("blood_cnn", {"model.name": "blood_fir"}, "did you mean 'blood_fire'?"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(home: Path, name: str, changes: dict[str, Any], words: str) -> None:
    before = text(home)
    with pytest.raises(AssayError) as caught:
        put(name, None, changes, home)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert text(home) == before


def test_outside_of_the_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="known: none, run from the root of the repository"):
        presets.read("blood_cnn", tmp_path)


@pytest.mark.parametrize("pair", ["split.by", "=image", "train.epochs=[1", ""])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(AssayError, match="--set: "):
        presets.given([pair])
