"""The fingerprint changes with everything that determines a result, and with nothing else."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.core.files import write_json
from src.tracking import fingerprint


def compute(root: Path) -> str:
    return fingerprint.compute("train", root).sha256


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_same_inputs_give_the_same_fingerprint_in_any_folder(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "elsewhere")
    assert fingerprint.compute("train", project) == fingerprint.compute("train", tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("src/one.py", "1", "2"),
        ("src/models/tiny_cnn.py", "2", "3"),
        ("build/split/split.csv", "0,train", "0,test"),
        ("params.yaml", "seed: 42", "seed: 43"),
        ("params.yaml", "flip: horizontal", "flip: none"),
        ("params.yaml", "name: tiny_cnn", "name: one"),
    ],
)
def test_a_change_of_a_listed_input_changes_it(project: Path, file: str, old: str, new: str) -> None:
    (project / "src/models/one.py").write_text("TWO = 2\n")
    before = compute(project)
    edit(project / file, old, new)
    assert compute(project) != before


def test_a_change_of_pixels_changes_it(project: Path) -> None:
    before = compute(project)
    pixels = bytearray((project / "build/prepared/images.npy").read_bytes())
    pixels[-1] = 1
    (project / "build/prepared/images.npy").write_bytes(pixels)
    assert compute(project) != before


@pytest.mark.parametrize(
    ("old", "new"), [("confidence: 0.95", "confidence: 0.9"), ("experiment: covid_ct", "experiment: x")]
)
def test_a_parameter_that_the_stage_does_not_list_leaves_it(project: Path, old: str, new: str) -> None:
    before = compute(project)
    edit(project / "params.yaml", old, new)
    assert compute(project) == before


def test_a_folder_counts_with_names_and_content_but_without_compiled_modules(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep/__pycache__").mkdir(parents=True)
    (folder / "deep/a.py").write_text("a")
    plain = fingerprint.digest(folder)
    (folder / "deep/__pycache__/a.cpython-311.pyc").write_text("x")
    (folder / "b.pyc").write_text("x")
    assert fingerprint.digest(folder) == plain
    (folder / "deep/a.py").rename(folder / "deep/b.py")
    assert fingerprint.digest(folder) != plain


def test_the_file_tells_code_data_and_parameters_apart_and_names_no_machine(project: Path) -> None:
    write_json(project / "build/model/fingerprint.json", asdict(fingerprint.compute("train")))
    content = json.loads((project / "build/model/fingerprint.json").read_text())
    assert list(content) == ["sha256", "code", "data", "params"]
    assert list(content["data"]) == ["build/prepared/images.npy", "build/split/split.csv"]
    assert content["params"]["seed"] == 42
    assert str(project) not in json.dumps(content)
    assert fingerprint.read(project / "build/model/fingerprint.json") == fingerprint.compute("train")


def test_a_missing_input_is_named(project: Path) -> None:
    (project / "build/split/split.csv").unlink()
    with pytest.raises(AssayError, match=r"split\.csv: not found; dvc\.yaml lists it"):
        fingerprint.compute("train")


def test_an_unknown_stage_lists_the_stages(project: Path) -> None:
    with pytest.raises(AssayError, match="expected a stage 'trian', found train"):
        fingerprint.compute("trian")


def test_a_parameter_that_dvc_yaml_lists_and_params_lacks_is_named(project: Path) -> None:
    edit(project / "dvc.yaml", "[seed,", "[seed, train.speed,")
    with pytest.raises(AssayError, match=r"params\.yaml: train\.speed: unknown key"):
        fingerprint.compute("train")
