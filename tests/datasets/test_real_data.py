"""The public archives with all their quirks; each is unpacked once."""

import csv
import logging
from collections import Counter
from pathlib import Path

import pytest

from src.datasets import download
from src.params import Dataset
from src.paths import Raw


def obtained(archive: Path, layout: str, folder: Path) -> list[dict[str, str]]:
    raw = Raw(folder / "raw")
    download(Dataset(source=str(archive), layout=layout), raw, folder)
    with raw.manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    files = {path.relative_to(raw.folder).as_posix() for path in raw.folder.rglob("*") if path.is_file()}
    assert files == {row["path"] for row in rows} | {"manifest.csv"}
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


def test_the_nested_duplicate_of_malaria_is_left_out(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        rows = obtained(shared_data / "malaria_cells.zip", "folders", tmp_path)
    assert Counter(row["label"] for row in rows) == {"Parasitized": 2000, "Uninfected": 2000}
    assert "left out: 4 junk files; 4000 files of the folder cell_images, a copy of the rest" in caplog.text


def test_the_junk_of_chest_xray_is_left_out_and_its_folds_are_read(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        rows = obtained(shared_data / "chest_xray.zip", "folders", tmp_path)
    assert Counter(row["fold"] for row in rows) == {"train": 1950, "val": 16, "test": 624}
    assert "left out: 41 junk files" in caplog.text
