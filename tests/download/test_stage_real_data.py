"""The public archives with all their quirks; each is unpacked once."""

import csv
import logging
from collections import Counter
from pathlib import Path

import pytest

from src.core.paths import Raw
from src.download.stage import run as download
from tests import sections


def obtained(archive: Path, layout: str, folder: Path, **rest: object) -> list[dict[str, str]]:
    raw = Raw(folder / "raw")
    download(sections.dataset(source=str(archive), layout=layout, **rest), raw, folder)
    with raw.manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    files = {path.relative_to(raw.folder).as_posix() for path in raw.folder.rglob("*") if path.is_file()}
    assert files == {row["path"] for row in rows} | {"manifest.csv", "counts.csv", "left_out.csv"}
    return rows


def test_covid_ct_has_its_published_patients_and_folds(shared_data: Path, tmp_path: Path) -> None:
    rows = obtained(shared_data / "covid_ct.zip", "covid_ct", tmp_path)
    assert Counter(row["label"] for row in rows) == {"CT_COVID": 349, "CT_NonCOVID": 397}
    assert Counter((row["fold"], row["label"]) for row in rows) == {
        ("train", "CT_COVID"): 191,
        ("train", "CT_NonCOVID"): 234,
        ("val", "CT_COVID"): 60,
        ("val", "CT_NonCOVID"): 58,
        ("test", "CT_COVID"): 98,
        ("test", "CT_NonCOVID"): 105,
    }
    folds = {(row["group"], row["fold"]) for row in rows}
    assert len(folds) == len({row["group"] for row in rows}) == 384
    assert all(row["group"] and row["group"] == row["group"].strip() for row in rows)


def test_malaria_has_its_patients_and_not_its_nested_duplicate(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        rows = obtained(shared_data / "malaria_cells.zip", "malaria", tmp_path)
    assert Counter(row["label"] for row in rows) == {"Parasitized": 2000, "Uninfected": 2000}
    assert len({row["group"] for row in rows}) == 106
    assert len({row["group"].partition("P")[0].strip("B") for row in rows}) == 106
    assert "left out: junk 4: left by the operating system" in caplog.text
    assert "left out: copy 4000, such as cell_images" in caplog.text


def test_chest_xray_keeps_its_test_part_and_no_patient_of_it_in_train(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        rows = obtained(shared_data / "chest_xray.zip", "chest_xray", tmp_path)
    assert Counter((row["fold"], row["label"]) for row in rows) == {
        ("train", "NORMAL"): 508,
        ("train", "PNEUMONIA"): 1458,
        ("test", "NORMAL"): 234,
        ("test", "PNEUMONIA"): 390,
    }
    folds = {(row["group"], row["fold"]) for row in rows}
    assert len(folds) == len({row["group"] for row in rows})
    assert "left out: junk 41: left by the operating system" in caplog.text


def test_blood_cells_are_those_of_train_and_test_and_labels_csv_is_counted(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        rows = obtained(shared_data / "blood_cells.zip", "blood_cells", tmp_path)
    four = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
    counts = {(fold, label): count for fold, count in (("train", 350), ("test", 100)) for label in four}
    assert Counter((row["fold"], row["label"]) for row in rows) == counts
    assert {row["group"] for row in rows} == {""}
    assert "image 437, such as dataset-master/" in caplog.text
    assert (tmp_path / "raw" / "counts.csv").read_text() == (
        "label,images,listed\nBASOPHIL,0,3\nEOSINOPHIL,450,88\nLYMPHOCYTE,450,33\nMONOCYTE,450,21\nNEUTROPHIL,450,207\n"
    )


def test_the_four_blood_cells_become_two(shared_data: Path, tmp_path: Path) -> None:
    merge = {"MONOCYTE": "mononuclear", "LYMPHOCYTE": "mononuclear"}
    merge |= {"NEUTROPHIL": "polynuclear", "EOSINOPHIL": "polynuclear"}
    rows = obtained(shared_data / "blood_cells.zip", "blood_cells", tmp_path, merge=merge)
    assert Counter(row["label"] for row in rows) == {"mononuclear": 900, "polynuclear": 900}


def test_a_pattern_reads_the_patients_of_chest_xray_as_plain_folders(shared_data: Path, tmp_path: Path) -> None:
    pattern = r"^(?P<group>person\d+|(NORMAL2-)?IM-\d+)"
    rows = obtained(shared_data / "chest_xray.zip", "folders", tmp_path, group_pattern=pattern)
    assert Counter(row["fold"] for row in rows) == {"train": 1950, "val": 16, "test": 624}
    assert len({row["group"] for row in rows}) == 1771
