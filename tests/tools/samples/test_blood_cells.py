"""Rules of the generated blood smears: the archive's layout, few slides with many copies, not solved by colour."""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.core.random_streams import stream
from tests.tools.samples import helpers
from tools import samples
from tools.samples._drawing import Grid, inside
from tools.samples.blood import augmented, draw, white_cell
from tools.samples.blood.white_cell import WhiteCell
from tools.samples.blood_cells import COPIES, KINDS, ROOT, SLIDES, slide_of

SET = helpers.COMMITTED / "blood_cells"
IMAGES = SET / ROOT / "images"


def _images(part: str, kind: str) -> list[Path]:
    """List a folder in the order of the first number of the names."""
    return sorted((IMAGES / part / kind).iterdir(), key=lambda path: int(path.name.split("_")[1]))


def _copies() -> tuple[list[Path], list[str], list[str]]:
    """List all augmented images with class and slide."""
    rows = [
        (path, kind, f"{kind} {part} {slide}")
        for part in SLIDES
        for kind in KINDS
        for path, slide in zip(_images(part, kind), slide_of(samples.SEED, kind, part), strict=True)
    ]
    paths, truth, slides = (list(column) for column in zip(*rows, strict=True))
    return paths, truth, slides


def test_folders_and_names_are_those_of_the_archive() -> None:
    assert {path.relative_to(SET).parts[:2] for path in SET.rglob("*") if path.is_file()} == {
        ("dataset2-master", "dataset2-master")
    }
    assert sorted(path.name for path in IMAGES.iterdir()) == ["TEST", "TEST_SIMPLE", "TRAIN"]
    for part in ("TRAIN", "TEST", "TEST_SIMPLE"):
        for kind in KINDS:
            assert all(re.fullmatch(r"_\d+_\d+\.jpeg", path.name) for path in _images(part, kind))


def test_each_class_has_several_copies_of_enough_slides() -> None:
    _, truth, slides = _copies()
    assert set(Counter(slides).values()) == {COPIES}
    assert min(Counter(kind for kind, _ in set(zip(truth, slides, strict=True))).values()) >= 12
    assert SLIDES["TEST"] / sum(SLIDES.values()) == pytest.approx(0.4, abs=0.02)
    assert all(len(_images("TEST_SIMPLE", kind)) == SLIDES["TEST"] for kind in KINDS)


def test_names_do_not_tell_the_slide() -> None:
    for kind in KINDS:
        slides = np.array(slide_of(samples.SEED, kind, "TRAIN"))
        beside = np.mean(slides[1:] == slides[:-1])
        assert beside < 0.3


def test_labels_list_the_slides_with_empty_and_multiple_rows() -> None:
    with (SET / ROOT / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counts = Counter(row["Category"] for row in rows)
    assert list(rows[0]) == ["", "Image", "Category"]
    assert all(counts[kind] == sum(SLIDES.values()) for kind in KINDS)
    assert counts[""] == 3
    assert counts["BASOPHIL"] == 2
    assert sum("," in name for name in counts) == 2


def test_copies_show_the_slide_turned_on_black() -> None:
    slide = draw("NEUTROPHIL", stream(0, "test"))
    first, second = (augmented(slide, stream(0, "copy", index)) for index in range(2))
    assert first.shape == slide.shape
    assert not np.array_equal(first, second)
    corners = np.array([first[0, 0], first[0, -1], first[-1, 0], first[-1, -1]])
    assert (corners.max(axis=1) == 0).any()
    seen = first.max(axis=2) > 0
    assert 0.6 < seen.mean() < 1.0
    np.testing.assert_allclose(first[seen].mean(axis=0), slide.reshape(-1, 3).mean(axis=0), atol=12)


@pytest.mark.parametrize(("kind", "lobes"), [("LYMPHOCYTE", {1}), ("EOSINOPHIL", {2}), ("NEUTROPHIL", {3, 4, 5})])
def test_lobes_of_the_nucleus_tell_the_kind(kind: str, lobes: set[int]) -> None:
    found = {_lobes(kind, seed) for seed in range(12)}
    assert found == lobes


def test_stain_of_the_nucleus_does_not_tell_the_kind() -> None:
    areas = {kind: [WhiteCell.of(kind, (0, 0), stream(index, kind)).area for index in range(50)] for kind in KINDS}
    for kind in KINDS:
        others = [area for other in KINDS if other != kind for area in areas[other]]
        assert min(areas[kind]) < np.median(others) < max(areas[kind])


def test_facts_of_the_files_do_not_tell_the_class() -> None:
    assert np.mean(helpers.told_by_facts(*_copies())) <= 0.6


def test_intensity_statistics_do_not_tell_the_class() -> None:
    paths, truth, slides = _copies()
    statistics = np.array([helpers.intensities(helpers.gray(path)) for path in paths])
    for strength in (0.01, 1.0):
        assert np.mean(helpers.told_by_statistics(statistics, truth, slides, strength)) < 0.70


def test_colours_alone_do_not_solve_it() -> None:
    paths, truth, slides = _copies()
    statistics = np.array([helpers.colours(path) for path in paths])
    for strength in (0.01, 1.0):
        assert np.mean(helpers.told_by_statistics(statistics, truth, slides, strength)) < 0.80


def test_all_images_have_one_size_and_three_channels() -> None:
    assert {(Image.open(path).size, Image.open(path).mode) for path in SET.rglob("*.jpeg")} == {((160, 120), "RGB")}


def _lobes(kind: str, seed: int) -> int:
    """Count the parts into which a nucleus falls when its edge is taken off."""
    import cv2

    rng = stream(seed, "lobes", kind)
    grid = Grid.of(200, 200, 0.1, (100, 100))
    nucleus = white_cell.nucleus(WhiteCell.of(kind, (0.0, 0.0), rng), grid, rng)
    shape = (inside(nucleus, 0.1) > 0.5).astype(np.uint8)
    far = cv2.distanceTransform(shape, cv2.DIST_L2, 5)
    return int(cv2.connectedComponents((far > 0.6 * far.max()).astype(np.uint8))[0]) - 1
