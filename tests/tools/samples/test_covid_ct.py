"""Rules of the generated CT slices: recognisable as files, and not solved by brightness."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from src.core.random_streams import stream
from tests.tools.samples import helpers
from tools.samples._drawing import Grid, ellipse
from tools.samples.ct import findings
from tools.samples.ct.anatomy import Chest

SET = helpers.COMMITTED / "covid_ct"
Facts = dict[str, str]
Numbers = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def rows() -> list[Facts]:
    """Read patients.csv."""
    with (SET / "patients.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def readable(rows: list[Facts]) -> list[Facts]:
    """Leave the damaged file out."""
    return [row for row in rows if _opens(SET / row["path"])]


def test_table_lists_every_image_once(rows: list[Facts]) -> None:
    images = {path.relative_to(SET).as_posix() for path in SET.rglob("*.*") if path.suffix != ".csv"}
    assert sorted(images) == [row["path"] for row in rows]
    folders = {"COVID": "CT_COVID", "NonCOVID": "CT_NonCOVID"}
    assert all(row["path"].startswith(folders[row["label"]] + "/") for row in rows)


def test_classes_have_enough_images_and_patients(readable: list[Facts]) -> None:
    images = Counter(row["label"] for row in readable)
    patients = {label: {_patient(row) for row in readable if row["label"] == label} for label in images}
    assert min(images.values()) >= 70
    assert min(map(len, patients.values())) >= 40
    assert not patients["COVID"] & patients["NonCOVID"]
    assert set(Counter(map(_patient, readable)).values()) == {1, 2, 3}


def test_official_split_keeps_patients_whole_in_about_50_10_40(rows: list[Facts]) -> None:
    parts = defaultdict(set)
    for row in rows:
        parts[_patient(row)].add(row["official_split"])
    assert all(len(part) == 1 for part in parts.values())
    shares = Counter(row["official_split"] for row in rows)
    assert shares["train"] / len(rows) == pytest.approx(0.5, abs=0.05)
    assert shares["val"] / len(rows) == pytest.approx(0.1, abs=0.05)
    assert shares["test"] / len(rows) == pytest.approx(0.4, abs=0.05)


def test_exactly_one_file_is_damaged(rows: list[Facts], readable: list[Facts]) -> None:
    assert len(rows) - len(readable) == 1


def test_samples_fit_in_three_megabytes() -> None:
    assert helpers.size(SET) <= 3e6


def test_sizes_modes_formats_and_margins_vary_within_each_class(readable: list[Facts]) -> None:
    for label in ("COVID", "NonCOVID"):
        paths = [SET / row["path"] for row in readable if row["label"] == label]
        opened = [Image.open(path) for path in paths]
        assert {image.mode for image in opened} == {"L", "RGB", "RGBA"}
        assert {image.format for image in opened} == {"PNG", "JPEG"}
        widths = [image.width for image in opened]
        assert min(widths) >= 150
        assert max(widths) <= 500
        assert len(set(widths)) >= 30
        assert len({_left_margin(path) for path in paths}) >= 5


def test_facts_of_the_files_do_not_tell_the_class(readable: list[Facts]) -> None:
    assert np.mean(helpers.told_by_facts(*_columns(readable))) <= 0.6


def test_intensity_statistics_do_not_tell_the_class(readable: list[Facts]) -> None:
    paths, truth, patients = _columns(readable)
    statistics = np.array([helpers.intensities(helpers.gray(path)) for path in paths])
    for strength in (0.01, 1.0):
        scores = helpers.told_by_statistics(statistics, truth, patients, strength)
        assert np.mean(scores) < 0.70
        assert max(scores) < 0.75


def test_look_alike_has_the_values_of_ground_glass_in_finer_structure() -> None:
    rng = stream(0, "test")
    grid = Grid.of(220, 160, 2 / 220, (110, 80))
    lung = ellipse(grid, (0.4, 0.0), (0.35, 0.5))
    glass = np.where(lung < 0, findings.ground_glass(Chest.of(rng), lung, grid, rng), 0)
    other = findings.look_alike(glass, lung, grid, rng)
    np.testing.assert_array_equal(np.sort(other[lung < 0]), np.sort(glass[lung < 0]))
    assert _fine_structure(other) > 1.5 * _fine_structure(glass)


def _opens(path: Path) -> bool:
    try:
        Image.open(path).load()
    except OSError:
        return False
    return True


def _patient(row: Facts) -> str:
    return row["patient"].strip()


def _columns(rows: list[Facts]) -> tuple[list[Path], list[str], list[str]]:
    return [SET / row["path"] for row in rows], [row["label"] for row in rows], [_patient(row) for row in rows]


def _left_margin(path: Path) -> int:
    return int(np.argmax(helpers.gray(path).max(axis=0) > 8))


def _fine_structure(image: Numbers) -> float:
    return float(np.std(image - cv2.GaussianBlur(image, (0, 0), 3)))
