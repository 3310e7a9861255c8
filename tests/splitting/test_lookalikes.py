"""Copies of one source are found although turned, mirrored, shifted and scaled, and nothing else is."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from src.datasets.samples.blood_cells import KINDS, slide_of
from src.splitting import lookalikes
from src.splitting.lookalikes.grouping import join

SAMPLES = Path(__file__).parents[2] / "samples/blood_cells/dataset2-master/dataset2-master/images"
SEED = 42


def files_and_slides(part: str = "TEST") -> tuple[list[Path], list[tuple[str, int]]]:
    """List the samples of a part with the slide that each was made from."""
    files, slides = [], []
    for kind in KINDS:
        found = sorted((SAMPLES / part / kind).glob("*"), key=lambda path: int(path.name.split("_")[1]))
        files += found
        slides += [(kind, slide) for slide in slide_of(SEED, kind, part)]
    return files, slides


def test_all_copies_of_the_sample_slides_are_found_and_no_others() -> None:
    files, slides = files_and_slides()
    assert len(files) == len(slides) > 100
    found = lookalikes.find(files)
    groups = join(np.full(len(files), ""), np.array([str(path) for path in files]), (link[:2] for link in found.links))
    true = {pair for pair in combinations(range(len(files)), 2) if slides[pair[0]] == slides[pair[1]]}
    told = {pair for pair in combinations(range(len(files)), 2) if groups[pair[0]] == groups[pair[1]]}
    assert len(true & told) / len(told) >= 0.99
    assert len(true & told) / len(true) >= 0.95


@pytest.mark.parametrize("threads", [1, 3])
def test_the_links_do_not_depend_on_the_number_of_threads(threads: int) -> None:
    files, _ = files_and_slides()
    assert lookalikes.find(files[:24], threads) == lookalikes.find(files[:24], 2)
