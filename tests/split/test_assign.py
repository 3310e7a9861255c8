"""Groups are dealt whole and as close to the ratios as they allow; what cannot be divided is refused."""

import time
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from src.config import Split as Section
from src.core.errors import AssayError
from src.core.partition import PARTS
from src.core.random_streams import stream
from src.split.assign import assign, cut_groups, divide
from src.split.index import Rows, read_rows
from tests import sections
from tests.split.conftest import Store

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


@pytest.mark.parametrize("trial", range(8))
def test_groups_are_never_cut_and_every_image_has_a_part(trial: int) -> None:
    random = np.random.default_rng(trial)
    largest = int(random.integers(1, 30))
    classes, groups = random_groups(random, int(random.integers(9, 120)), int(random.integers(2, 6)), largest)
    parts = assign(classes, groups, RATIOS, stream(trial, "split"))
    assert set(parts) == {0, 1, 2}
    assert len(np.unique(np.stack([groups, parts]), axis=1).T) == groups.max() + 1


def test_small_cases_are_as_good_as_trying_all_ways() -> None:
    lost = []
    for trial in range(30):
        random = np.random.default_rng(1000 + trial)
        classes, groups = random_groups(random, int(random.integers(5, 9)), int(random.integers(2, 4)), 14)
        best = best_deviation(classes, groups)
        if np.isfinite(best):
            lost.append(deviation(classes, assign(classes, groups, RATIOS, stream(trial, "split"))) - best)
    assert len(lost) > 15
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
    drawn = np.stack([assign(classes, groups, RATIOS, stream(seed, "split")) for seed in range(16)])
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


TINY = (8, 8, 1)


def section(**changes: object) -> Section:
    return sections.split(**{"folds": "ignore", "leaks": "warn", "by": "group"} | changes)


def rows_of(store: Store, labels: Sequence[str], **columns: Sequence[object]) -> Rows:
    return read_rows(store(np.zeros((len(labels), *TINY), np.uint8), labels, **columns))


def counts(rows: Rows, parts: np.ndarray) -> dict[str, list[int]]:
    """Count the images of each class in train, val and test."""
    return {
        name: [int((rows.classes[parts == part] == label).sum()) for part in range(3)]
        for label, name in enumerate(rows.class_names)
    }


def test_images_of_a_group_stay_together_even_when_it_has_two_classes(store: Store) -> None:
    groups = [f"p{row // 4}" for row in range(200)]
    rows = rows_of(store, ["a" if row % 3 else "b" for row in range(200)], group=groups)
    parts = divide(rows, section(), 1)
    assert cut_groups(rows, parts) == {}
    assert np.abs(np.bincount(parts) - [100, 20, 80]).max() <= 2


def test_images_without_a_group_are_each_their_own(store: Store) -> None:
    rows = rows_of(store, ["a"] * 100 + ["b"] * 60, group=["one"] * 10 + [""] * 150)
    parts = divide(rows, section(), 1)
    assert len(set(parts[:10])) == 1
    assert counts(rows, parts) == {"a": [50, 10, 40], "b": [30, 6, 24]}


def test_an_image_whose_path_is_the_name_of_a_group_does_not_join_it(store: Store) -> None:
    rows = rows_of(store, ["a"] * 10 + ["b"] * 10, group=["a/0009.png"] * 5 + [""] * 15)
    assert len(np.unique(rows.groups)) == 16


def test_by_image_ignores_groups(store: Store) -> None:
    rows = rows_of(store, ["a", "b"] * 50, group=[f"p{row // 20}" for row in range(100)])
    parts = divide(rows, section(by="image"), 1)
    assert counts(rows, parts) == {"a": [25, 5, 20], "b": [25, 5, 20]}
    assert cut_groups(rows, parts)


def test_the_order_of_rows_does_not_matter_to_who_is_in_which_part(store: Store) -> None:
    labels, groups = ["a", "b"] * 60, np.array([f"p{row // 3}" for row in range(120)])
    rows = rows_of(store, labels, group=groups)
    order = np.random.default_rng(0).permutation(120)
    other = Rows(*(getattr(rows, name)[order] for name in Rows.__dataclass_fields__))
    assert np.array_equal(divide(rows, section(), 1)[order], divide(other, section(), 1))


def test_another_seed_gives_another_split(store: Store) -> None:
    rows = rows_of(store, ["a", "b"] * 60)
    assert np.array_equal(divide(rows, section(), 1), divide(rows, section(), 1))
    assert not np.array_equal(divide(rows, section(), 1), divide(rows, section(), 2))


class TestRespect:
    """split.folds: respect."""

    LABELS = ("a", "b") * 60

    def test_folds_become_the_parts(self, store: Store) -> None:
        fold = [("train", "train", "val", "test")[row // 2 % 4] for row in range(120)]
        rows = rows_of(store, self.LABELS, fold=fold)
        assert [PARTS[part] for part in divide(rows, section(folds="respect"), 1)] == fold

    def test_without_a_val_fold_it_is_carved_from_train_by_group(self, store: Store) -> None:
        fold, group = ["train"] * 90 + ["test"] * 30, [f"p{row // 3}" for row in range(120)]
        rows = rows_of(store, self.LABELS, fold=fold, group=group)
        parts = divide(rows, section(folds="respect"), 1)
        assert (parts[90:] == PARTS.index("test")).all()
        assert np.bincount(parts[:90]).tolist() == [75, 15]  # 0.1 / 0.6 of 90
        assert cut_groups(rows, parts) == {}

    def test_a_group_in_two_of_the_sources_folds_is_named(self, store: Store) -> None:
        fold = ["train"] * 90 + ["test"] * 30
        group = [f"p{row}" for row in range(119)] + ["p3"]
        rows = rows_of(store, self.LABELS, fold=fold, group=group)
        with pytest.raises(AssayError, match=r"1 groups stand in two.*p3 \(train and test\).*split.by: image"):
            divide(rows, section(folds="respect"), 1)
        parts = divide(rows, section(folds="respect", by="image"), 1)
        assert (parts[90:] == PARTS.index("test")).all()
        assert cut_groups(rows, np.where(np.array(fold) == "test", 2, 0)) == {"p3": ["train", "test"]}

    def test_images_without_a_fold_are_named(self, store: Store) -> None:
        rows = rows_of(store, self.LABELS, fold=["train"] * 80 + ["test"] * 39 + [""])
        with pytest.raises(AssayError, match=r"without a fold 1, train 80, test 39 \(b/0119.png\)"):
            divide(rows, section(folds="respect"), 1)

    def test_no_folds_at_all(self, store: Store) -> None:
        with pytest.raises(AssayError, match=r"the source ships no folds; use split.folds: ignore"):
            divide(rows_of(store, self.LABELS), section(folds="respect"), 1)

    def test_no_test_fold(self, store: Store) -> None:
        rows = rows_of(store, self.LABELS, fold=["train"] * 100 + ["val"] * 20)
        with pytest.raises(AssayError, match=r"folds train and test, found train 100, val 20"):
            divide(rows, section(folds="respect"), 1)

    def test_a_fold_of_another_name(self, store: Store) -> None:
        rows = rows_of(store, self.LABELS, fold=["train"] * 100 + ["holdout"] * 20)
        with pytest.raises(AssayError, match="found holdout"):
            divide(rows, section(folds="respect"), 1)

    def test_a_test_fold_that_lacks_a_class(self, store: Store) -> None:
        rows = rows_of(store, ["a", "b"] * 40 + ["a"] * 40, fold=["train"] * 80 + ["test"] * 40)
        with pytest.raises(AssayError, match="part test: expected images of every class, found a 40, b 0"):
            divide(rows, section(folds="respect"), 1)


def test_too_few_groups_of_a_class_are_told_with_numbers(store: Store) -> None:
    rows = rows_of(
        store, ["a"] * 50 + ["b"] * 50, group=[f"p{row}" for row in range(50)] + [f"q{row % 2}" for row in range(50)]
    )
    with pytest.raises(AssayError, match=r"class b: expected at least 3 groups.*found 2 \(50 images\)"):
        divide(rows, section(), 1)


def test_too_few_images_of_a_class_are_told_with_numbers(store: Store) -> None:
    with pytest.raises(AssayError, match=r"class b: expected at least 3 images.*found 2 \(2 images\)"):
        divide(rows_of(store, ["a"] * 50 + ["b"] * 2), section(), 1)


def test_groups_that_cannot_fill_every_part_with_every_class_are_told(store: Store) -> None:
    """Three groups: two hold all of the classes but c, which stands in the third and twice in the first."""
    labels = ["a", "b", "a", "b", "c", "c", "c"]
    groups = ["p", "p", "q", "q", "p", "r", "s"]
    rows = rows_of(store, labels, group=groups)
    with pytest.raises(AssayError, match=r"class a: expected at least 3 groups"):
        divide(rows, section(), 1)


def test_a_single_class_is_refused(store: Store) -> None:
    with pytest.raises(AssayError, match="expected images of at least two classes, found 9 images of a"):
        rows_of(store, ["a"] * 9)
