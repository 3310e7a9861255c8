"""What is seen in a few pictures: colour, dark margins, and brightness that alone tells the classes."""

from pathlib import Path

import numpy as np
import pytest

from src.core.errors import AssayError
from src.download.manifest import Entry
from src.download.scan import Listing
from src.images.pixels import Pixels
from src.start import pictures
from tests.images.helpers import save, smooth


def seen(tmp_path: Path, images: dict[str, list[Pixels]]) -> pictures.Pictures:
    files = {
        f"{label}/{number}.png": save(tmp_path / label / f"{number}.png", image)
        for label, several in images.items()
        for number, image in enumerate(several)
    }
    return pictures.look_at(
        [Entry(name, name.partition("/")[0]) for name in files], Listing(files, tuple(files), "x"), 10
    )


def gray(level: int, seed: int) -> Pixels:
    noise = np.random.default_rng(seed).normal(level, 12, (40, 40))
    return np.clip(noise, 0, 255).astype(np.uint8)


def test_gray_in_three_channels_is_gray_and_stains_are_colour(tmp_path: Path) -> None:
    three = [np.repeat(smooth(seed=seed, channels=1)[..., None], 3, axis=2) for seed in range(8)]
    assert not seen(tmp_path / "a", {"x": three}).in_colour
    assert seen(tmp_path / "b", {"x": [smooth(seed=seed) for seed in range(8)]}).in_colour


def test_dark_margins_are_those_of_large_gray_pictures(tmp_path: Path) -> None:
    def framed(side: int) -> Pixels:
        body = np.zeros((side, side), np.uint8)
        body[side // 6 : -side // 6, side // 6 : -side // 6] = 120
        return body

    assert seen(tmp_path / "ct", {"x": [framed(256)] * 4}).dark_margins
    assert not seen(tmp_path / "cells", {"x": [framed(48)] * 4}).dark_margins
    assert not seen(tmp_path / "filled", {"x": [gray(120, seed) for seed in range(4)]}).dark_margins


def test_brightness_counts_only_where_nothing_else_tells_the_classes(tmp_path: Path) -> None:
    alone = {"dark": [gray(80, seed) for seed in range(16)], "light": [gray(150, 99 + seed) for seed in range(16)]}
    assert seen(tmp_path / "a", alone).told_by_brightness_alone()
    lines = np.tile(np.arange(40) // 10 % 2 * 60, (40, 1)).astype(np.uint8)
    striped = {"dark": alone["dark"], "light": [image + lines for image in alone["light"]]}
    assert not seen(tmp_path / "b", striped).told_by_brightness_alone()
    equal = {"dark": alone["dark"], "light": [gray(80, 99 + seed) for seed in range(16)]}
    assert not seen(tmp_path / "c", equal).told_by_brightness_alone()


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    broken = tmp_path / "x" / "broken.png"
    broken.parent.mkdir()
    broken.write_bytes(b"\x89PNG")
    with pytest.raises(AssayError, match="source: expected pictures, but none of 1 that were tried can be read"):
        pictures.look_at([Entry("x/broken.png", "x")], Listing({"x/broken.png": broken}, (), "source"), 10)
