"""Groups are dealt whole, and as close to the ratios as they allow."""

import time
from itertools import product

import numpy as np
import pytest

from src.seeds import stream
from src.splitting.balance import assign

RATIOS = np.array([0.5, 0.1, 0.4])


def random_groups(
    random: np.random.Generator, groups: int, classes: int, largest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw groups of 1..largest images; every second one keeps to one class."""
    sizes = random.integers(1, largest + 1, groups)
    owner = np.repeat(np.arange(groups), sizes)
    drawn = random.integers(0, classes, len(owner))
    drawn = np.where(owner % 2, (owner // 2) % classes, drawn)
    return np.unique(drawn, return_inverse=True)[1], owner


def deviation(classes: np.ndarray, parts: np.ndarray) -> float:
    """Sum the squared deviations of each class's shares from the ratios."""
    counts = np.array([np.bincount(classes[parts == part], minlength=classes.max() + 1) for part in range(3)])
    return float(np.square(counts / counts.sum(axis=0) - RATIOS[:, None]).sum())


def best_deviation(classes: np.ndarray, groups: np.ndarray) -> float:
    """Try every way to deal the groups that leaves no class out of a part; inf if there is none."""
    counts = np.zeros((groups.max() + 1, classes.max() + 1))
    np.add.at(counts, (groups, classes), 1)
    ways = np.array(list(product(range(3), repeat=len(counts))))
    held = np.stack([(ways == part).astype(float) @ counts for part in range(3)], axis=1)
    costs = np.square(held / counts.sum(axis=0) - RATIOS[:, None]).sum(axis=(1, 2))
    return float(np.where((held > 0).all(axis=(1, 2)), costs, np.inf).min())


@pytest.mark.parametrize("trial", range(25))
def test_groups_are_never_cut_and_every_image_has_a_part(trial: int) -> None:
    random = np.random.default_rng(trial)
    largest = int(random.integers(1, 30))
    classes, groups = random_groups(random, int(random.integers(9, 120)), int(random.integers(2, 6)), largest)
    parts = assign(classes, groups, RATIOS, stream(trial, "split"))
    assert set(parts) == {0, 1, 2}
    assert len(np.unique(np.stack([groups, parts]), axis=1).T) == groups.max() + 1


def test_small_cases_are_as_good_as_trying_all_ways() -> None:
    lost = []
    for trial in range(60):
        random = np.random.default_rng(1000 + trial)
        classes, groups = random_groups(random, int(random.integers(5, 9)), int(random.integers(2, 4)), 14)
        best = best_deviation(classes, groups)
        if np.isfinite(best):
            lost.append(deviation(classes, assign(classes, groups, RATIOS, stream(trial, "split"))) - best)
    assert len(lost) > 30
    assert np.mean(np.array(lost) < 1e-9) >= 0.95
    assert max(lost) < 0.05


def test_images_without_groups_hit_the_ratios_to_the_image() -> None:
    classes = np.repeat([0, 1, 2], [200, 90, 30])
    parts = assign(classes, np.arange(320), RATIOS, stream(1, "split"))
    counts = [np.bincount(parts[classes == label]).tolist() for label in range(3)]
    assert counts == [[100, 20, 80], [45, 9, 36], [15, 3, 12]]


def test_a_class_of_one_large_and_two_small_groups_reaches_every_part() -> None:
    classes = np.repeat([0, 1], [52, 40])
    groups = np.concatenate([np.zeros(50), [1, 2], np.arange(3, 43)]).astype(int)
    parts = assign(classes, groups, RATIOS, stream(1, "split"))
    assert set(parts[classes == 0]) == {0, 1, 2}


def test_same_seed_same_parts_and_another_seed_others() -> None:
    classes, groups = random_groups(np.random.default_rng(5), 100, 2, 4)
    first, again, other = (assign(classes, groups, RATIOS, stream(seed, "split")) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_group_may_come_into_every_part() -> None:
    classes, groups = random_groups(np.random.default_rng(5), 30, 2, 4)
    drawn = np.stack([assign(classes, groups, RATIOS, stream(seed, "split")) for seed in range(40)])
    seen = [set(drawn[:, groups == group].ravel()) for group in range(30)]
    assert sum(parts >= {0, 2} for parts in seen) >= 28


def test_a_hundred_thousand_images_in_ten_thousand_groups_take_seconds() -> None:
    random = np.random.default_rng(0)
    classes, groups = random_groups(random, 10_000, 8, 19)
    started = time.process_time()
    parts = assign(classes, groups, RATIOS, stream(0, "split"))
    assert time.process_time() - started < 30
    shares = np.array([np.bincount(classes[parts == part]) for part in range(3)]) / np.bincount(classes)
    assert np.abs(shares - RATIOS[:, None]).max() < 0.001
