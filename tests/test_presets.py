"""Each preset is a whole experiment as it was published; one takes the place of params.yaml and no edit is lost."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from src import models, presets
from src.config import Params, load, source_name
from src.core.errors import AssayError
from src.core.yaml_file import parsed
from src.presets import FIELDS
from tests.conftest import ROOT
from tests.helpers_presets import git, put, repository

NAMES = presets.names(ROOT)
PUBLISHED = {
    "blood_cnn", "blood_cnn_two", "blood_fire", "covid_dropout", "covid_tiny", "covid_inception", "malaria_cnn",
    "pneumonia_separable",
}  # fmt: skip
# Weights of the published networks, counted by hand from their layers.
WEIGHTS = {
    "blood_cnn": 896 + 18496 + (28 * 38 * 64 + 1) * 128 + 129 * 4,
    "malaria_cnn": 640 + 2 * 36928 + (7 * 7 * 64 + 1) * 64 + 65 * 64 + 65,
    "covid_dropout": 320 + 18496 + (36 * 36 * 64 + 1) * 64 + 65,
    "covid_tiny": 60 + (74 * 74 * 6 + 1) * 2 + 3,
}


def keys(content: Any, prefix: str = "") -> set[str]:
    """Name every key of a nested mapping, the ones that a person chooses left out."""
    if not isinstance(content, dict) or prefix in {"dataset.merge.", "tune.space."}:
        return {prefix.removesuffix(".")}
    return {key for name, value in content.items() for key in keys(value, f"{prefix}{name}.")}


def content(name: str) -> Any:
    return parsed(presets.read(name, ROOT).text, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_can_propose_the_optimizer_of_its_preset(name: str) -> None:
    params = presets.read(name, ROOT).params
    assert params.train.optimizer in (params.tune.space["train.optimizer"].choices or ())


def test_every_known_experiment_has_a_preset() -> None:
    assert set(NAMES) >= PUBLISHED


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_runs_on_samples_and_files_its_runs_under_its_name(name: str) -> None:
    params = presets.read(name, ROOT).params
    assert params.track.experiment == name
    assert params.dataset.source == f"data/{params.dataset.layout.removesuffix('_three')}"
    assert (ROOT / "samples" / source_name(params.dataset.source)).is_dir()


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_every_field(name: str) -> None:
    whole = keys(Params.model_validate(content(name)).model_dump())
    assert keys(content(name)) == whole


@pytest.mark.parametrize("name", NAMES)
def test_its_comment_says_where_it_is_from_and_what_it_reached(name: str) -> None:
    preset = presets.read(name, ROOT)
    assert [field for field in FIELDS if not preset.header.get(field)] == []
    assert tuple(preset.header) == FIELDS
    assert max(len(line) for line in preset.text.partition("\nseed")[0].splitlines()) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_nothing_stops_it_before_its_last_epoch(name: str) -> None:
    train = presets.read(name, ROOT).params.train
    assert train.patience >= train.epochs


def test_all_presets_have_the_fields_in_the_same_order() -> None:
    lines = [re.findall(r"^ *(\w+):", presets.read(name, ROOT).text, re.MULTILINE) for name in NAMES]
    assert all(a == b for a, b in pairwise(lines))


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_the_network_has_as_many_weights_as_the_published_one(name: str) -> None:
    params = presets.read(name, ROOT).params
    classes = 4 if name == "blood_cnn" else 2
    shape = params.preprocess.shape
    model = params.model
    built = models.build(
        model.name, shape, classes, dropout=model.dropout, stride=model.stride, pooling=model.pooling, **model.own()
    )
    assert built.count_params() == WEIGHTS[name]


def test_the_default_can_be_had_back() -> None:
    """Params.yaml as committed is the preset covid_compact, letter by letter: change both or neither."""
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    if parsed(params, "params.yaml")["track"]["experiment"] != "covid_compact":
        pytest.skip("params.yaml is another experiment at the moment")
    assert params == presets.read("covid_compact", ROOT).text


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
