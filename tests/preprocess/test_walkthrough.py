"""The histograms count what the images hold, each image alike."""

from pathlib import Path

import numpy as np
import pytest

from src.core.paths import Prepared
from src.preprocess.pipeline import compose
from src.preprocess.stage import run as prepare
from src.preprocess.walkthrough import GRID, MOST, Walkthrough, levels
from tests.images.helpers import rows, section, write_raw


@pytest.mark.parametrize("channels", [1, 3])
def test_all_pixels_of_an_image_of_the_size_of_the_grid_are_counted(channels: int) -> None:
    image = np.random.default_rng(0).integers(256, size=(GRID, GRID, channels)).astype(np.uint8)
    for found, pixels in zip(levels(image), image.reshape(-1, channels).T, strict=True):
        assert found.tolist() == np.bincount(pixels, minlength=256).tolist()


@pytest.mark.parametrize("shape", [(700, 900), (700, 900, 1), (700, 900, 3), (20, 3_000), (10, 15, 3)])
def test_a_part_stands_for_the_whole(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).choice(np.array([10, 200], np.uint8), size=shape, p=[0.3, 0.7])
    found = levels(image) / GRID**2
    assert found.sum(axis=1) == pytest.approx(1)
    for share, channel in zip(found, image.reshape(*shape[:2], -1).transpose(2, 0, 1), strict=True):
        assert share[10] == pytest.approx((channel == 10).mean(), abs=0.05)


@pytest.mark.parametrize(("images", "every"), [(3, 1), (MOST, 1), (MOST + 1, 2), (10 * MOST, 10)])
def test_of_many_images_every_nth_is_counted(images: int, every: int) -> None:
    paths = [f"{number}.png" for number in range(images)]
    assert Walkthrough(compose(section()), paths).counted == {f"{number}.png" for number in range(0, images, every)}


def test_a_large_image_counts_no_more_than_a_small_one(tmp_path: Path) -> None:
    images = {"a/large.png": np.full((400, 500), 200, np.uint8), "a/small.png": np.full((10, 10), 50, np.uint8)}
    prepare(write_raw(tmp_path / "raw", images), Prepared(tmp_path / "out"), section())
    table = rows(tmp_path / "out" / "histograms.csv")
    assert list(table[0]) == ["level", "before_gray", "after_gray"]
    assert [int(row["level"]) for row in table] == list(range(256))
    assert {row["level"]: row["before_gray"] for row in table if float(row["before_gray"])} == {
        "50": "0.50000000",
        "200": "0.50000000",
    }


def test_a_gray_file_counts_for_each_colour_and_rejected_files_for_none(tmp_path: Path) -> None:
    colours = np.zeros((20, 20, 3), np.uint8)
    colours[..., 0], colours[..., 2] = 90, 30
    files = {"a/gray.png": np.full((20, 20), 7, np.uint8), "b/rgb.png": colours, "b/bad.png": b"no image"}
    options = section("resize", color="rgb", max_rejected=0.5)
    prepare(write_raw(tmp_path / "raw", files), Prepared(tmp_path / "out"), options)
    table = rows(tmp_path / "out" / "histograms.csv")
    for stage in ("before", "after"):
        filled = {
            name: {int(row["level"]) for row in table if float(row[f"{stage}_{name}"])}
            for name in ("red", "green", "blue")
        }
        assert filled == {"red": {7, 90}, "green": {0, 7}, "blue": {7, 30}}


def test_no_image_is_no_division_by_zero(tmp_path: Path) -> None:
    Walkthrough(compose(section()), []).write_histograms(tmp_path / "histograms.csv")
    assert rows(tmp_path / "histograms.csv")[0] == {
        "level": "0",
        "before_gray": "0.00000000",
        "after_gray": "0.00000000",
    }
