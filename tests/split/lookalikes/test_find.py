"""Copies of one source are found although turned, mirrored, shifted and scaled, and nothing else is."""

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.split import lookalikes
from src.split.index import codes
from src.split.lookalikes.find import join, members
from tests.conftest import ROOT
from tests.split.lookalikes.helpers import moved, save, smear
from tools.samples.blood_cells import KINDS, slide_of

SAMPLES = ROOT / "samples/blood_cells/dataset2-master/dataset2-master/images"
SEED = 42


def files_and_slides(part: str = "TEST") -> tuple[list[Path], list[tuple[str, int]]]:
    """List the samples of a part with the slide that each was made from."""
    files, slides = [], []
    for kind in KINDS:
        found = sorted((SAMPLES / part / kind).glob("*"), key=lambda path: int(path.name.split("_")[1]))
        files += found
        slides += [(kind, slide) for slide in slide_of(SEED, kind, part)]
    return files, slides


def grouped(files: list[Path]) -> list[list[int]]:
    """List the places of the files of each group."""
    names = np.array([path.name for path in files])
    groups = join(np.full(len(files), ""), names, lookalikes.find(files).links)
    return [rows.tolist() for rows in members(codes(groups))]


def test_all_copies_of_the_sample_slides_are_found_and_no_others() -> None:
    files, slides = files_and_slides()
    assert len(files) == len(slides) > 100
    found = lookalikes.find(files)
    groups = join(np.full(len(files), ""), np.array([str(path) for path in files]), found.links)
    true = {pair for pair in combinations(range(len(files)), 2) if slides[pair[0]] == slides[pair[1]]}
    told = {pair for pair in combinations(range(len(files)), 2) if groups[pair[0]] == groups[pair[1]]}
    assert len(true & told) / len(told) >= 0.99
    assert len(true & told) / len(true) >= 0.95


@pytest.mark.parametrize("threads", [1, 3])
def test_the_links_do_not_depend_on_the_number_of_threads(threads: int) -> None:
    files, _ = files_and_slides()
    assert lookalikes.find(files[:12], threads) == lookalikes.find(files[:12], 2)


def test_copies_are_found_whatever_the_format_and_size(tmp_path: Path) -> None:
    image = smear(3)
    color = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    large = cv2.resize(color, (1600, 1200), interpolation=cv2.INTER_CUBIC)
    deep = moved(image, angle=15).astype(np.uint16) * 200
    files = save(
        tmp_path,
        {
            "gray.png": image,
            "same.png": image,
            "color.jpg": color,
            "large.jpg": large,
            "16.png": deep,
            "9.png": smear(9),
        },
    )
    assert grouped(files) == [[0, 1, 2, 3, 4], [5]]


def test_two_copies_of_one_image_are_found_and_flat_images_stay_alone(tmp_path: Path) -> None:
    flat = np.full((100, 100), 128, np.uint8)
    assert grouped(save(tmp_path / "two", {"a.png": smear(0), "b.png": moved(smear(0), angle=90)})) == [[0, 1]]
    assert grouped(save(tmp_path / "flat", {"a.png": flat, "b.png": flat, "c.png": smear(1)})) == [[0], [1], [2]]


def test_many_copies_of_one_image_become_one_group(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    copies = {
        f"{number:03}.jpg": moved(smear(4), angle=random.uniform(-180, 180), scale=(1, random.choice([-1, 1])))
        for number in range(40)
    }
    assert [len(rows) for rows in grouped(save(tmp_path, copies | {"x.jpg": smear(5)}))] == [40, 1]
