"""Rules of the generated CT slices: the same on every machine, recognisable as files, and not solved by brightness."""

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from src.datasets import samples
from src.datasets.samples._drawing import Grid, ellipse
from src.datasets.samples.ct import findings
from src.datasets.samples.ct.anatomy import Chest
from src.seeds import stream

COMMITTED = Path(__file__).parents[3] / "samples"
SET = COMMITTED / "covid_ct"
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


@pytest.mark.slow
def test_samples_made_again_are_the_committed_ones(tmp_path: Path) -> None:
    samples.write(tmp_path)
    assert _hashes(tmp_path) == _hashes(COMMITTED)


def test_another_seed_gives_other_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.datasets.samples.covid_ct.PATIENTS", 10)
    samples.write(tmp_path, seed=samples.SEED + 1)
    assert not set(_hashes(tmp_path).values()) & set(_hashes(COMMITTED).values())


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
    assert sum(path.stat().st_size for path in SET.rglob("*") if path.is_file()) <= 3e6


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
    from sklearn.ensemble import RandomForestClassifier

    facts = np.array([_file_facts(SET / row["path"]) for row in readable])
    scores = _held_out(lambda: RandomForestClassifier(50, min_samples_leaf=2, random_state=0), facts, readable)
    assert np.mean(scores) <= 0.6


def test_intensity_statistics_do_not_tell_the_class(readable: list[Facts]) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    statistics = np.array([_intensities(_gray(SET / row["path"])) for row in readable])
    for strength in (0.01, 1.0):
        classifier = LogisticRegression(C=strength, max_iter=3000)
        scores = _held_out(partial(make_pipeline, StandardScaler(), classifier), statistics, readable)
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


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "README.md")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _opens(path: Path) -> bool:
    try:
        Image.open(path).load()
    except OSError:
        return False
    return True


def _patient(row: Facts) -> str:
    return row["patient"].strip()


def _gray(path: Path) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def _left_margin(path: Path) -> int:
    return int(np.argmax(_gray(path).max(axis=0) > 8))


def _file_facts(path: Path) -> list[float]:
    image = Image.open(path)
    area = image.width * image.height
    channels = len(image.getbands())
    return [image.width, image.height, channels, image.format == "PNG", path.stat().st_size / area]


def _intensities(gray: npt.NDArray[np.uint8]) -> Numbers:
    """Describe the whole image and its quadrants by mean, deviation, percentiles and a histogram of 32 bins."""
    quadrants = [part for half in np.array_split(gray, 2) for part in np.array_split(half, 2, axis=1)]
    return np.concatenate([_describe(part) for part in [gray, *quadrants]])


def _describe(gray: npt.NDArray[np.uint8]) -> Numbers:
    histogram = np.histogram(gray, 32, (0, 256))[0] / gray.size
    return np.concatenate(
        [[gray.mean(), gray.std()], np.percentile(gray, [1, 5, 10, 25, 50, 75, 90, 95, 99]), histogram]
    )


def _fine_structure(image: Numbers) -> float:
    return float(np.std(image - cv2.GaussianBlur(image, (0, 0), 3)))


def _held_out(make: Callable[[], Any], features: Numbers, rows: list[Facts]) -> list[float]:
    """Score a classifier by ROC AUC on the patients held out, for several ways to hold out 40 % of them."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupShuffleSplit

    truth = np.array([row["label"] == "COVID" for row in rows])
    splits = GroupShuffleSplit(12, test_size=0.4, random_state=0).split(
        features, truth, [_patient(row) for row in rows]
    )
    return [
        float(roc_auc_score(truth[test], make().fit(features[train], truth[train]).predict_proba(features[test])[:, 1]))
        for train, test in splits
    ]
