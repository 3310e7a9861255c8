"""A sheet shows what it is given, at the place and size that it says."""

from pathlib import Path

import numpy as np
import pytest

from src.images.contact_sheet import GAP, Cell, sheet, write_sheet
from src.images.pixels import Pixels


def flat(height: int, width: int, level: int) -> Pixels:
    return np.full((height, width), level, np.uint8)


def dark_share(image: Pixels) -> float:
    return float((image < 100).mean())


@pytest.mark.parametrize("shape", [(30, 30), (30, 30, 1), (30, 30, 3)])
def test_gray_and_colour_images_fill_their_cells(shape: tuple[int, ...]) -> None:
    image = sheet([[Cell(np.full(shape, 77, np.uint8), "")] * 2], side=50)
    assert image.shape == (GAP + 50 + GAP, GAP + 2 * (50 + GAP), 3)
    assert (image[GAP : GAP + 49, GAP : GAP + 49] == 77).all()
    assert (image[GAP : GAP + 49, 50 + 2 * GAP : 99 + 2 * GAP] == 77).all()


def test_the_aspect_is_kept() -> None:
    image = sheet([[Cell(flat(10, 40, 0), "")]], side=100)
    black = np.argwhere((image == 0).all(axis=2))
    height, width = black.max(axis=0) - black.min(axis=0) + 1
    assert (height, width) == (25, 100)


def test_a_caption_is_drawn_above_its_image_and_not_on_it() -> None:
    plain, told = (sheet([[Cell(flat(50, 50, 255), text)]], side=200) for text in ("", "first line\nsecond"))
    added = told.shape[0] - plain.shape[0]
    assert added > 20
    assert dark_share(told[GAP : GAP + added]) > 0.01
    np.testing.assert_array_equal(told[GAP + added :], plain[GAP:])


def test_a_caption_may_stand_below_its_image() -> None:
    plain, told = (sheet([[Cell(flat(50, 50, 255), text)]], side=200, below=True) for text in ("", "a line\nsecond"))
    under = GAP + 200 + 1
    np.testing.assert_array_equal(told[:under], plain[:under])
    assert dark_share(told[under + 1 :]) > 0.01


@pytest.mark.parametrize("text", ["W" * 500, "word " * 200, "a/very/long/path/to/" + "image" * 60 + ".png"])
def test_a_long_caption_stays_within_its_cell(text: str) -> None:
    image = sheet([[Cell(flat(50, 50, 255), text), Cell(flat(50, 50, 255), "")]], side=120)
    assert image.shape[0] < 120 + 2 * GAP + 60
    assert dark_share(image[:, GAP + 121 : 2 * GAP + 119]) == 0


def test_a_title_is_drawn_on_top() -> None:
    plain, titled = (sheet([[Cell(flat(50, 50, 255), "")]], title) for title in ("", "A title"))
    assert titled.shape[0] > plain.shape[0]
    assert dark_share(titled[:30]) > 0.005


def test_accents_and_arrows_have_glyphs_of_their_own() -> None:
    one, other = (sheet([[Cell(flat(50, 50, 255), text)]]) for text in ("ä", "→"))
    assert (one != other).any()  # a font without them draws the same box for both


def test_rows_may_differ_in_length_and_there_may_be_none() -> None:
    cell = Cell(flat(20, 30, 9), "x")
    assert sheet([[cell], [cell, cell, cell]]).shape[1] == GAP + 3 * (200 + GAP)
    assert sheet([]).ndim == 3


def test_the_same_cells_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [[Cell(np.arange(600, dtype=np.uint16).astype(np.uint8).reshape(20, 30), "caption")]]
    for name in ("a.png", "b.png"):
        write_sheet(tmp_path / name, rows, "title")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
