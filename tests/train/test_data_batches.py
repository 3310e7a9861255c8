"""Every image once an epoch, its augmentation and order fixed by seed and epoch alone."""

import numpy as np
import pytest

from src.config import Augment
from src.train import augment
from src.train.data import Batches, Part
from tests import sections

SECTION = sections.augment(rotation=40, shift=0.2, zoom=0.2, flip="horizontal")
ROWS = np.arange(3, 26)
TARGETS = ROWS % 2


def epoch(size: int = 4, threads: int = 1, seed: int = 0, number: int = 1, section: Augment = SECTION):
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 12, 1), dtype=np.uint8)
    return list(Batches(images, Part(ROWS, TARGETS), size, threads).augmented(section, seed, number))


def joined(batches) -> tuple[np.ndarray, np.ndarray]:
    pixels, targets = zip(*batches, strict=True)
    return np.concatenate(pixels), np.concatenate(targets)


def test_an_epoch_holds_every_image_of_the_part_once_with_its_target() -> None:
    images = np.zeros((30, 2, 2, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(30)
    batches = Batches(images, Part(ROWS, TARGETS), 4)
    parts = list(batches.augmented(sections.augment(), 0, 1))
    pixels, targets = joined(parts)
    assert len(parts) == len(batches) == 6
    assert [len(part[0]) for part in parts] == [4, 4, 4, 4, 4, 3]
    assert sorted(pixels[:, 0, 0, 0]) == ROWS.tolist()
    assert np.array_equal(pixels[:, 0, 0, 0] % 2, targets)


def test_order_changes_with_epoch_and_seed_and_is_repeatable() -> None:
    first, _ = joined(epoch(section=sections.augment()))
    assert np.array_equal(first, joined(epoch(section=sections.augment()))[0])
    assert not np.array_equal(first, joined(epoch(section=sections.augment(), number=2))[0])
    assert not np.array_equal(first, joined(epoch(section=sections.augment(), seed=1))[0])


@pytest.mark.parametrize(("size", "threads"), [(1, 1), (7, 1), (7, 3), (100, 2)])
def test_neither_batch_size_nor_threads_change_a_pixel(size: int, threads: int) -> None:
    expected, targets = joined(epoch())
    pixels, others = joined(epoch(size, threads))
    assert np.array_equal(pixels, expected)
    assert np.array_equal(others, targets)


def test_plain_batches_keep_order_and_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 5, 5, 3), dtype=np.uint8)
    pixels, targets = joined(Batches(images, Part(ROWS, TARGETS), 4, 2).plain())
    assert pixels.dtype == np.float32
    assert np.array_equal(pixels, images[ROWS])
    assert np.array_equal(targets, TARGETS)


def test_no_more_batches_than_threads_are_made_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is large."""
    made: list[int] = []
    monkeypatch.setattr(augment, "warp", lambda pixels, *_: made.append(len(pixels)) or pixels)
    images = np.zeros((50, 8, 8, 1), np.uint8)
    batches = Batches(images, Part(np.arange(50), np.zeros(50, np.int64)), 1, 2).augmented(sections.augment(), 0, 1)
    next(batches)
    batches.close()
    assert len(made) <= 3
