"""Rules of the generated red cells: the archive's layout, patients with both classes, not solved by brightness."""

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from src.core.random_streams import stream
from tests.tools.samples import helpers
from tools.samples._drawing import Grid, ellipse
from tools.samples.red_cell import findings

SET = helpers.COMMITTED / "malaria"
NAME = re.compile(r"(C\d+P\d+)ThinF_IMG_\d{8}_\d{6}_cell_\d+\.png")


def _cells() -> tuple[list[Path], list[str], list[str]]:
    """List all cells with class and patient."""
    paths = sorted(SET.rglob("*.png"))
    return paths, [path.parent.name for path in paths], [_patient(path) for path in paths]


def _patient(path: Path) -> str:
    match = NAME.fullmatch(path.name)
    assert match, path.name
    return match[1]


def test_folders_are_those_of_the_archive_with_its_junk() -> None:
    assert {path.parent.relative_to(SET).as_posix() for path in SET.rglob("*.*")} == {
        "cell_images/Parasitized",
        "cell_images/Uninfected",
    }
    assert [path.stat().st_size for path in SET.rglob("Thumbs.db")] == [17, 17]


def test_patients_have_cells_of_both_classes() -> None:
    _, truth, patients = _cells()
    classes = defaultdict(set)
    for label, patient in zip(truth, patients, strict=True):
        classes[patient].add(label)
    assert len(classes) >= 12
    assert all(found == {"Parasitized", "Uninfected"} for found in classes.values())
    assert min(Counter(truth).values()) >= 150


def test_names_differ_over_both_classes() -> None:
    paths, _, _ = _cells()
    assert len({path.name for path in paths}) == len(paths)


def test_sizes_vary_and_the_surroundings_are_black() -> None:
    for label in ("Parasitized", "Uninfected"):
        images = [Image.open(path) for path in (SET / "cell_images" / label).glob("*.png")]
        assert {image.mode for image in images} == {"RGB"}
        assert len({image.width for image in images}) >= 15
        black = [float(np.mean(np.asarray(image).max(axis=2) == 0)) for image in images]
        assert min(black) > 0.05
        assert max(black) < 0.6


def test_facts_of_the_files_do_not_tell_the_class() -> None:
    assert np.mean(helpers.told_by_facts(*_cells())) <= 0.6


def test_intensities_and_colours_do_not_tell_the_class() -> None:
    paths, truth, patients = _cells()
    for describe in (lambda path: helpers.intensities(helpers.gray(path)), helpers.colours):
        statistics = np.array([describe(path) for path in paths])
        for strength in (0.01, 1.0):
            assert np.mean(helpers.told_by_statistics(statistics, truth, patients, strength)) < 0.75


def test_look_alikes_have_the_values_of_parasites_elsewhere() -> None:
    rng = stream(0, "test")
    grid = Grid.of(80, 80, 2 / 60, (40, 40))
    outline = ellipse(grid, (0, 0), (1.0, 1.0))
    stain = np.where(outline < -0.03, findings.parasites(grid, rng), 0)
    other = findings.look_alike(stain, outline, grid, rng)
    np.testing.assert_array_equal(np.sort(other, axis=None), np.sort(stain, axis=None))
    assert np.corrcoef(stain.ravel(), other.ravel())[0, 1] < 0.5
