"""The histograms count what the images hold, each image alike."""

from pathlib import Path

import numpy as np
import pytest

from src.imaging.histograms import PIXELS, Histograms, shares
from src.imaging.preparing import prepare
from src.paths import Prepared
from tests.imaging.making import rows, section, write_raw


def test_shares_are_those_of_numpy() -> None:
    image = np.random.default_rng(0).integers(256, size=(60, 80, 3)).astype(np.uint8)
    expected = [np.bincount(image[..., channel].ravel(), minlength=256) / 4800 for channel in range(3)]
    assert shares(image) == pytest.approx(np.stack(expected, axis=1))


@pytest.mark.parametrize("shape", [(700, 900), (700, 900, 1), (700, 900, 3), (1, 100_000)])
def test_of_a_large_image_a_part_stands_for_the_whole(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(1).choice(np.array([10, 200], np.uint8), size=shape, p=[0.3, 0.7])
    found = shares(image)
    assert found.sum(axis=0) == pytest.approx(1)
    assert found[10] == pytest.approx(0.3, abs=4 * (0.21 / PIXELS * 4) ** 0.5)


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
    Histograms(1, 1).write(tmp_path / "histograms.csv")
    assert rows(tmp_path / "histograms.csv")[0] == {
        "level": "0",
        "before_gray": "0.00000000",
        "after_gray": "0.00000000",
    }
