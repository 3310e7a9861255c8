"""Rules of all generated sets: the same on every machine, other with another seed, and small."""

from pathlib import Path

import pytest

from tests.tools.samples.helpers import COMMITTED, hashes, size
from tools import samples

IMAGES = (".jpeg", ".jpg", ".png")
ALL_SETS_MB = 8.0


@pytest.mark.slow
def test_samples_made_again_are_the_committed_ones(tmp_path: Path) -> None:
    samples.write(tmp_path)
    assert hashes(tmp_path) == hashes(COMMITTED)


def test_another_seed_gives_other_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.samples.blood_cells.SLIDES", {"TRAIN": 1, "TEST": 1})
    monkeypatch.setattr("tools.samples.chest_xray.NORMAL", {"train": 2, "val": 1, "test": 1})
    monkeypatch.setattr("tools.samples.chest_xray.PNEUMONIA", {"train": 2, "val": 1, "test": 1})
    monkeypatch.setattr("tools.samples.covid_ct.PATIENTS", 10)
    monkeypatch.setattr("tools.samples.malaria.PATIENTS", 2)
    samples.write(tmp_path, seed=samples.SEED + 1)
    made = hashes(tmp_path, *IMAGES)
    assert {name.split("/")[0] for name in made} == {path.name for path in COMMITTED.iterdir() if path.is_dir()}
    assert not set(made.values()) & set(hashes(COMMITTED, *IMAGES).values())


def test_no_image_comes_twice() -> None:
    found = list(hashes(COMMITTED, *IMAGES).values())
    assert len(set(found)) == len(found)


def test_all_sets_together_are_small() -> None:
    assert size(COMMITTED) <= ALL_SETS_MB * 1e6
