from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.folders import read
from src.download.manifest import Entry
from src.download.scan import Listing


def listing(*images: str) -> Listing:
    return Listing({image: Path(image) for image in images}, images, "source")


def test_the_class_folder_is_the_label() -> None:
    assert read(listing("a b/1.png", "ü/1.png")) == [Entry("a b/1.png", "a b"), Entry("ü/1.png", "ü")]


@pytest.mark.parametrize(
    ("folder", "fold"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("val", "val"),
        ("valid", "val"),
        ("validation", "val"),
        ("TEST", "test"),
    ],
)
def test_a_fold_folder_above_the_classes_is_the_fold(folder: str, fold: str) -> None:
    assert read(listing(f"{folder}/a/1.png", "testing/b/1.png")) == [
        Entry(f"{folder}/a/1.png", "a", fold=fold),
        Entry("testing/b/1.png", "b", fold="test"),
    ]


def test_a_class_may_be_called_test() -> None:
    assert [entry.label for entry in read(listing("control/1.png", "test/1.png"))] == ["control", "test"]


def test_images_right_in_fold_folders_have_no_class() -> None:
    with pytest.raises(AssayError, match=r"source: expected class folders below test, train, found .*train/1\.png"):
        read(listing("train/1.png", "test/1.png"))


@pytest.mark.parametrize("within", ["SOB/patient{}/40X/1.png", "images/{}.png", "kind{}/1.png"])
def test_folders_within_those_of_the_classes_are_seen_through(within: str) -> None:
    images = [f"{label}/{within.format(place)}" for place, label in enumerate(("ill", "ill", "well"))]
    assert [entry.label for entry in read(listing(*images))] == ["ill", "ill", "well"]
    folded = read(listing(*(f"train/{image}" for image in images)))
    assert [(entry.fold, entry.label) for entry in folded] == [("train", "ill"), ("train", "ill"), ("train", "well")]


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (("1.png", "a/1.png", "b/1.png"), "CLASS/image for all 3 images, found 1 elsewhere, such as 1.png"),
        (("a/1.png", "b/x/1.png"), "CLASS/image for all 2 images, found 1 elsewhere, such as b/x/1.png"),
        (("train/a/1.png", "test/b/1.png", "b/1.png"), "train|val|test/CLASS/image for all 3 images, found 1"),
        (("train/a/1.png", "extra/b/1.png"), "found 1 elsewhere, such as extra/b/1.png"),
        (("site1/a/1.png", "site1/b/1.png", "site2/a/1.png"), "found 3 elsewhere, such as site1/a/1.png"),
        (("north/a/1.png", "north/b/1.png", "south/a/1.png"), "found 3 elsewhere, such as north/a/1.png"),
        (("train/x/a/1.png", "train/x/b/1.png", "test/y/a/1.png"), "found 3 elsewhere, such as train/x/a/1.png"),
    ],
)
def test_images_elsewhere_are_counted_and_named(images: tuple[str, ...], found: str) -> None:
    with pytest.raises(AssayError) as error:
        read(listing(*images))
    assert found in str(error.value)
