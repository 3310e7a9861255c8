"""Rules of the generated radiographs: the archive's layout, whole patients in each part, not solved by brightness."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.core.random_streams import stream
from tests.tools.samples import helpers
from tools.samples._drawing import Grid, ellipse
from tools.samples.xray import findings

SET = helpers.COMMITTED / "chest_xray"
NAMES = {
    "NORMAL": re.compile(r"((?:NORMAL2-)?IM-\d{4})-0001\.jpeg"),
    "PNEUMONIA": re.compile(r"(person\d+)_(?:bacteria|virus)_\d+\.jpeg"),
}


def _images() -> tuple[list[Path], list[str], list[str]]:
    """List all images with class and patient."""
    paths = sorted(SET.rglob("*.jpeg"))
    return paths, [path.parent.name for path in paths], [_patient(path) for path in paths]


def _patient(path: Path) -> str:
    match = NAMES[path.parent.name].fullmatch(path.name)
    assert match, path.name
    return match[1]


def test_folders_are_those_of_the_archive() -> None:
    assert {path.parent.relative_to(SET).as_posix() for path in SET.rglob("*.*")} == {
        f"chest_xray/{part}/{label}" for part in ("train", "val", "test") for label in NAMES
    }


def test_patients_stay_in_one_part() -> None:
    parts = defaultdict(set)
    for path, _, patient in zip(*_images(), strict=True):
        parts[patient].add(path.parts[-3])
    assert all(len(found) == 1 for found in parts.values())


def test_counts_are_like_those_of_the_archive() -> None:
    paths, truth, patients = _images()
    counts = Counter((path.parts[-3], label) for path, label in zip(paths, truth, strict=True))
    assert counts["val", "NORMAL"] == counts["val", "PNEUMONIA"] == 8
    assert all(counts[part, "PNEUMONIA"] > counts[part, "NORMAL"] for part in ("train", "test"))
    assert min(len({name for name, own in zip(patients, truth, strict=True) if own == label}) for label in NAMES) >= 60
    tested = sum(count for (part, _), count in counts.items() if part == "test")
    assert tested / len(paths) == pytest.approx(0.33, abs=0.08)


def test_both_causes_and_both_kinds_of_normal_names_are_there() -> None:
    names = [path.name for path in _images()[0]]
    for part in ("_bacteria_", "_virus_", "NORMAL2-IM-"):
        assert sum(part in name for name in names) >= 20
    assert sum(name.startswith("IM-") for name in names) >= 20


def test_sizes_and_modes_vary_within_each_class() -> None:
    for label in NAMES:
        images = [Image.open(path) for path in SET.rglob(f"{label}/*.jpeg")]
        assert {image.mode for image in images} == {"L", "RGB"}
        assert len({image.width for image in images}) >= 30


def test_facts_of_the_files_do_not_tell_the_class() -> None:
    assert np.mean(helpers.told_by_facts(*_images())) <= 0.6


def test_intensity_statistics_do_not_tell_the_class() -> None:
    paths, truth, patients = _images()
    statistics = np.array([helpers.intensities(helpers.gray(path)) for path in paths])
    for strength in (0.01, 1.0):
        assert np.mean(helpers.told_by_statistics(statistics, truth, patients, strength)) < 0.70


@pytest.mark.parametrize("cause", [findings.BACTERIA, findings.VIRUS])
def test_opacities_lie_in_the_lungs(cause: str) -> None:
    grid, lung = _lungs()
    added = findings.opacity(cause, lung, grid, stream(1, "test", cause))
    assert added[lung < 0].max() > 0.1
    assert np.abs(added[lung > 0.1]).max() == 0


def test_look_alikes_have_about_the_brightness_of_opacities() -> None:
    grid, lung = _lungs()
    rng = stream(2, "test")
    added = findings.opacity(findings.BACTERIA, lung, grid, rng)
    other = findings.look_alike(added, lung, grid, rng)
    assert other[lung < 0].mean() == pytest.approx(added[lung < 0].mean(), rel=0.1)
    assert np.corrcoef(other.ravel(), added.ravel())[0, 1] < 0.9


def _lungs() -> tuple[Grid, helpers.Numbers]:
    grid = Grid.of(160, 140, 2.2 / 160, (80, 70))
    return grid, np.minimum(*(ellipse(grid, (side * 0.5, 0), (0.35, 0.75)) for side in (-1.0, 1.0)))
