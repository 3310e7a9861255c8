from collections.abc import Callable
from pathlib import Path

import pytest

from src.core.errors import AssayError
from src.download.layouts.blood_cells import listed, read
from src.download.manifest import Entry
from src.download.scan import Listing, scan

Tree = Callable[..., Path]
TOP = "dataset2-master/dataset2-master/images"
TABLE = """,Image,Category
,0,NEUTROPHIL
,1,
,2,"NEUTROPHIL, EOSINOPHIL"
,3,"EOSINOPHIL,EOSINOPHIL"
,4, NEUTROPHIL
,5,BASOPHIL
"""


def listing(*images: str) -> Listing:
    return Listing({image: Path(image) for image in images}, images, "source")


def test_label_and_fold_are_the_folders_and_groups_are_not_known() -> None:
    train, test = f"{TOP}/TRAIN/EOSINOPHIL/_0_6060.jpeg", f"{TOP}/TEST/MONOCYTE/_0_1.jpeg"
    assert read(listing(test, train)) == [
        Entry(test, "MONOCYTE", fold="test"),
        Entry(train, "EOSINOPHIL", fold="train"),
    ]


@pytest.mark.parametrize("top", ["", "images/", "a/b/c/"])
def test_what_is_above_the_folds_does_not_matter(top: str) -> None:
    assert [entry.label for entry in read(listing(f"{top}TRAIN/EOSINOPHIL/1.jpeg"))] == ["EOSINOPHIL"]


def test_slides_as_they_were_taken_are_left_out() -> None:
    kept = f"{TOP}/TEST/MONOCYTE/_0_1.jpeg"
    slides = (f"{TOP}/TEST_SIMPLE/MONOCYTE/_0_1.jpeg", "dataset-master/dataset-master/JPEGImages/BloodImage_00000.jpg")
    assert [entry.path for entry in read(listing(kept, *slides))] == [kept]


@pytest.mark.parametrize("path", ["x.jpeg", "TRAIN/x.jpeg", "TRAIN/MONOCYTE/more/x.jpeg", "more/MONOCYTE/x.jpeg"])
def test_an_image_elsewhere_is_an_error_that_shows_it(path: str) -> None:
    with pytest.raises(AssayError) as error:
        read(listing("TRAIN/MONOCYTE/1.jpeg", path))
    assert str(error.value) == f"source: expected TRAIN/CLASS/image or TEST/CLASS/image, found {path}"


def test_slides_alone_are_an_error() -> None:
    with pytest.raises(AssayError, match=r"found only JPEGImages/1\.jpg"):
        read(listing("JPEGImages/1.jpg"))


def test_slides_of_no_or_several_cells_are_not_counted(tree: Tree) -> None:
    files = scan(tree({"d/labels.csv": TABLE.encode(), "TRAIN/MONOCYTE/1.jpeg": b"1"}), "source")
    assert listed(files) == {"NEUTROPHIL": 2, "BASOPHIL": 1}


def test_without_a_table_nothing_is_listed() -> None:
    assert listed(listing("TRAIN/MONOCYTE/1.jpeg")) == {}
