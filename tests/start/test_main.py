"""params.yaml is written for a source: the reasons at its head, edits of a person safe, other values taken over."""

import subprocess
import sys
from pathlib import Path

import pytest

from src import config
from src.core.errors import AssayError
from src.start.__main__ import run
from tests.helpers_presets import git, put
from tests.images.helpers import save, smooth


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Give class folders, more of one than of the other, parts of their own, and names that tell the patient."""
    for part, patients in (("Training", 9), ("Testing", 5)):
        for label, images in (("glioma", 3), ("healthy", 1)):
            for patient in range(patients):
                for image in range(images + 1):
                    name = f"{part[:2]}{label[0]}{patient}_{image}.png"
                    save(tmp_path / "Köpfe 1" / part / label / name, smooth(30, 40, seed=patient, channels=1))
    return tmp_path / "Köpfe 1"


def params(home: Path) -> str:
    return (home / "params.yaml").read_text(encoding="utf-8")


def test_the_plan_is_told_and_written_with_its_reasons(
    scans: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("../Köpfe 1", {"train.epochs": 5}, home, yes=False)
    made, told = config.load(home / "params.yaml"), capsys.readouterr().out
    assert (made.dataset.source, made.dataset.layout, made.dataset.positive) == ("../Köpfe 1", "folders", "glioma")
    assert (made.split.by, made.split.folds, made.split.train) == ("group", "respect", 0.6)
    assert (made.preprocess.color, made.preprocess.sides, made.preprocess.steps) == (
        "gray",
        (32, 40),
        ("gray", "resize"),
    )
    assert (made.train.balance, made.train.epochs, made.track.experiment) == ("weights", 5, "Köpfe_1")
    head = [line.removeprefix("# ") for line in params(home).split("\n#\n")[0].splitlines()[2:]]
    assert 10 < len(head) < 18
    assert [line.partition(" (params.yaml")[0] for line in told.splitlines()[: len(head)]] == head
    assert not any(line.endswith(" ") or "COVID-CT" in line for line in params(home).splitlines())
    question = next(line for line in told.splitlines() if line.startswith("? is that the patient"))
    number = int(question.rpartition("line ")[2].rstrip(")"))
    assert params(home).splitlines()[number - 1].startswith("  group_pattern: ^")


def test_learned_weights_come_with_their_recipe_and_a_model_that_was_asked_for_with_its_own(home: Path) -> None:
    for number in range(24):
        save(home / "large" / "ab"[number % 2] / f"{number}.png", smooth(70, 70, seed=number, channels=1))
    run("large", {}, home, yes=False)
    learned, preset = config.load(home / "params.yaml"), config.load(home / "presets" / "pneumonia_transfer.yaml")
    assert (learned.model, learned.train.epochs) == (preset.model, 30)
    epochs = {"epochs": 30, "patience": 30}
    assert learned.train == preset.train.model_copy(update=epochs)
    run("large", {"model.name": "compact_cnn"}, home, yes=False)
    own, preset = config.load(home / "params.yaml"), config.load(home / "presets" / "covid_compact.yaml")
    assert (own.model, own.train) == (preset.model, preset.train)


def test_its_own_file_and_a_preset_may_be_replaced_and_edits_are_asked_for(scans: Path, home: Path) -> None:
    run("../Köpfe 1", {}, home, yes=False)
    put("blood_cnn", home=home)
    run("../Köpfe 1", {}, home, yes=False)
    run("../Köpfe 1", {"seed": 1}, home, yes=False)
    edited = params(home).replace("layout: folders", "layout: malaria")
    (home / "params.yaml").write_text(edited, encoding="utf-8")
    with pytest.raises(AssayError, match=r"^params\.yaml: has changes that are in no commit.*YES=1"):
        run("../Köpfe 1", {}, home, yes=False)
    assert params(home) == edited
    run("../Köpfe 1", {}, home, yes=True)
    assert (home / "params.1.yaml").read_text(encoding="utf-8") == edited
    git(home, "commit", "--quiet", "--all", "--message", "mine")
    (home / "params.yaml").write_text(params(home).replace("folds: respect", "folds: ignore"), encoding="utf-8")
    run("../Köpfe 1", {}, home, yes=True)
    assert (home / "params.2.yaml").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("https://host/scans.zip", "only files on this machine can be looked at; get them from there"),
        ("kaggle:owner/name", "kaggle.com/datasets/owner/name"),
        ("../nothing", "found nothing at ../nothing"),
    ],
)
def test_what_cannot_be_looked_at_is_said_and_nothing_is_written(source: str, words: str, home: Path) -> None:
    before = params(home)
    with pytest.raises(AssayError) as caught:
        run(source, {}, home, yes=True)
    assert words in str(caught.value)
    assert params(home) == before


def test_the_command_ends_with_the_next_one(scans: Path, home: Path) -> None:
    from tests.conftest import ROOT

    done = subprocess.run(
        [sys.executable, "-m", "src.start", str(scans), "--set", "train.epoch=5"],
        cwd=home, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "did you mean 'epochs'?" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "src.start", str(scans), "--set", "train.epochs=5"],
        cwd=home, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("\nnext: make repro\n")


def test_a_table_of_another_place_and_merged_classes_are_planned_as_asked(
    scans: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = sorted(path.relative_to(scans).as_posix() for path in scans.rglob("*.png"))
    (home / "tables").mkdir(exist_ok=True)
    rows = "".join(f"{image},{'sick' if place % 3 else 'healthy'}\n" for place, image in enumerate(images))
    (home / "tables" / "mine.csv").write_text(f"path,label\n{rows}", encoding="utf-8")
    run("../Köpfe 1", {"dataset.table": "tables/mine.csv"}, home, yes=True)
    assert "layout:     folders: the table tables/mine.csv\n" in (told := capsys.readouterr().out)
    assert "positive:   sick, by the names of the two" in told
    run("../Köpfe 1", {"dataset.merge": {"glioma": "ill", "healthy": "well"}}, home, yes=True)
    assert config.load(home / "params.yaml").dataset.positive == "ill"


def test_a_table_that_nearly_has_the_labels_is_asked_about(
    scans: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "labels.xlsx").write_bytes(b"PK\x03\x04")
    run("../Köpfe 1", {}, home, yes=True)
    question = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("? labels.xlsx"))
    assert "found a spreadsheet; save it as CSV UTF-8" in question
