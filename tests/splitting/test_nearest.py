"""The nearest pairs are those that comparing each with each would give."""

import time

import numpy as np
import pytest

from src.splitting import nearest
from src.splitting.nearest import nearest_pairs


def signs(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (count, 255))


def anything(some: slice, rest: slice) -> np.ndarray:
    return np.ones((some.stop - some.start, rest.stop - rest.start), bool)


def slowly(hashes: np.ndarray) -> list[tuple[int, int, int]]:
    """Compare each with each, sorted by distance, then rows."""
    pairs = [
        (int((hashes[first] != hashes[second]).sum()), first, second)
        for first in range(len(hashes))
        for second in range(first + 1, len(hashes))
    ]
    return [(first, second, distance) for distance, first, second in sorted(pairs)]


@pytest.mark.parametrize("most", [1, 7, 100, 10_000])
def test_the_nearest_pairs_are_the_same_as_by_comparing_all(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "BLOCK", 16)
    hashes = signs(90)
    found = nearest_pairs(hashes, anything, most=most).tolist()
    assert [tuple(pair) for pair in found] == slowly(hashes)[:most]


def test_no_pair_beyond_the_radius_and_none_that_is_not_wanted() -> None:
    hashes = signs(60)
    parts = np.arange(60) % 3
    found = nearest_pairs(hashes, lambda some, rest: parts[some, None] != parts[rest], radius=120).tolist()
    assert [tuple(p) for p in found] == [p for p in slowly(hashes) if p[2] <= 120 and parts[p[0]] != parts[p[1]]]


@pytest.mark.slow
def test_thirty_thousand_hashes_take_well_under_a_minute() -> None:
    hashes = signs(30_000)
    hashes[29_999] = hashes[3]
    started = time.process_time()
    found = nearest_pairs(hashes, anything)
    assert time.process_time() - started < 60
    assert found[0].tolist() == [3, 29_999, 0]
