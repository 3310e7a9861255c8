"""A fold never cuts a group, each image is held out once, and what a training may not see is not there for it."""

import numpy as np
import pytest

from src.config import Params
from src.core.errors import AssayError
from src.evaluate.inputs import Image
from src.repeat import folds
from tests.executors.conftest import Home
from tests.repeat.helpers import grouped_home, params


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return grouped_home(tmp_path_factory.mktemp("grouped") / "home")


def drawn(random: np.random.Generator, groups: int, classes: int) -> list[Image]:
    """Draw images of groups of one to eight; most keep to one class, some images have no group."""
    images: list[Image] = []
    for number in range(groups):
        label = number % classes
        for _ in range(int(random.integers(1, 9))):
            other = int(random.integers(classes)) if random.random() < 0.2 else label
            name = "" if random.random() < 0.1 else f"patient {number}"
            images.append(Image(2 * len(images), "train", f"{len(images)}.png", f"class {other}", name))
    return images


@pytest.mark.parametrize("trial", range(8))
def test_no_fold_cuts_a_group_and_each_image_is_held_out_once(trial: int, grouped: Home) -> None:
    random = np.random.default_rng(trial)
    count, classes = int(random.integers(2, 6)), int(random.integers(2, 4))
    images = drawn(random, int(random.integers(3 * count * classes, 61)), classes)
    found = folds.divide(images, params(grouped, repeat__folds=count, seed=trial))
    group_of = {image.row: image.group for image in images}
    label_of = {image.row: image.label for image in images}
    assert sorted(row for fold in found for row in fold.held) == sorted(group_of)
    for fold in found:
        parts = (fold.train, fold.val, fold.held)
        assert sorted(row for part in parts for row in part) == sorted(group_of)
        named = [{group_of[row] for row in part} - {""} for part in parts]
        assert not (named[0] | named[1]) & named[2]
        assert not named[0] & named[1]
        assert {label_of[row] for row in fold.train} == set(label_of.values())
    shares = [[sum(label_of[row] == label for row in fold.held) for fold in found] for label in set(label_of.values())]
    largest = 8  # images of a group: no fold is further from its share than one group and a few strays
    assert max(max(each) - min(each) for each in shares) <= 2 * largest


def test_the_same_seed_gives_the_same_folds(grouped: Home) -> None:
    images = drawn(np.random.default_rng(1), 60, 2)
    one, again, other = (folds.divide(images, params(grouped, seed=seed)) for seed in (1, 1, 2))
    assert one == again != other


def test_too_few_groups_are_an_error(grouped: Home) -> None:
    images = drawn(np.random.default_rng(1), 6, 2)
    with pytest.raises(AssayError, match=r"repeat.folds: expected at least 5 groups of each class for 5 folds, found "):
        folds.divide(images, params(grouped, repeat__folds=5))


@pytest.fixture
def here(grouped: Home, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(grouped.folder)
    return params(grouped)


def test_the_test_part_stays_out(here: Params) -> None:
    images = folds.read(here)
    assert {image.part for image in images} == {"train"}
    everything = folds.read(here.model_copy(update={"repeat": here.repeat.model_copy(update={"over": "all"})}))
    assert len(everything) == 60
    for fold in folds.divide(images, here):
        assert {*fold.train, *fold.val, *fold.held} == {image.row for image in images}
