"""The lookup gives few pairs for each image, the right ones among them."""

from pathlib import Path

import numpy as np
import pytest

from src.split.lookalikes import candidates as module
from src.split.lookalikes.candidates import CANDIDATES, candidates
from src.split.lookalikes.features import MIRROR, Features, Packed, describe
from tests.split.lookalikes.helpers import moved, smear


def drawn(random: np.random.Generator, images: int, features: int = 40) -> list[Features]:
    """Draw descriptors without any meaning."""
    shape = (features, 128)
    picture, scale = np.zeros((96, 96), np.uint8), np.ones(2, np.float32)
    return [
        Features(np.zeros((features, 2), np.float32), random.integers(0, 120, shape, np.uint8), picture, scale)
        for _ in range(images)
    ]


def copy(features: Features, random: np.random.Generator, mirrored: bool = False) -> Features:
    """Change descriptors a little, as a copy's are."""
    noise = random.integers(-6, 7, features.descriptors.shape)
    descriptors = np.clip(features.descriptors + noise, 0, 255).astype(np.uint8)
    return features._replace(descriptors=descriptors[:, MIRROR] if mirrored else descriptors)


def test_copies_come_first_as_they_are_or_mirrored(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    every = drawn(random, 200)
    every[70] = copy(every[3], random)
    every[150] = copy(every[9], random, mirrored=True)
    found = {tuple(pair[:3]): pair[3] for pair in candidates(Packed(every, tmp_path / "f")).tolist()}
    assert found[3, 70, 0] > 20
    assert found[9, 150, 1] > 20
    assert len(found) == 2


def test_blocks_and_what_is_brought_together_early_change_no_vote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    first = drawn(random, 1)[0]
    packed = Packed([*[copy(first, random) for _ in range(30)], *drawn(random, 30)], tmp_path / "f")
    found = candidates(packed)
    monkeypatch.setattr(module, "BLOCK", 100)
    monkeypatch.setattr(module, "MERGED", 50)
    assert np.array_equal(candidates(packed), found)


@pytest.mark.parametrize("images", [100, 400])
def test_the_pairs_of_an_image_are_few_even_where_all_look_alike(tmp_path: Path, images: int) -> None:
    random = np.random.default_rng(0)
    first = drawn(random, 1)[0]
    pairs = candidates(Packed([copy(first, random) for _ in range(images)], tmp_path / "f"))
    assert images <= len(pairs) <= CANDIDATES * images
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_the_work_per_feature_does_not_grow_with_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[float] = []
    count = np.bitwise_count
    monkeypatch.setattr(module.np, "bitwise_count", lambda words: (compared.append(len(words)), count(words))[1])
    work = []
    for images in (50, 200):
        compared.clear()
        folder = tmp_path / str(images)
        folder.mkdir()
        candidates(Packed(drawn(np.random.default_rng(1), images), folder / "f"))
        work.append(sum(compared) / images)
    assert work[1] < 1.05 * work[0]


def test_images_without_features_are_nobodys_candidates(tmp_path: Path) -> None:
    flat = describe(np.full((50, 50), 7, np.uint8))
    assert len(candidates(Packed([flat, flat], tmp_path / "f"))) == 0


def test_packed_features_come_back_image_by_image(tmp_path: Path) -> None:
    every = [describe(smear(0)), describe(np.zeros((40, 60), np.uint8)), describe(moved(smear(0), angle=9))]
    packed = Packed(every, tmp_path / "f")
    assert len(packed) == 3
    for place, features in enumerate(every):
        for mine, theirs in zip(packed[place], features, strict=True):
            assert np.array_equal(mine, theirs)
