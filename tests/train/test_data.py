"""Training sees train and val only, and says in one line what is wrong with its inputs."""

import re
from pathlib import Path

import numpy as np
import pytest

from src.core.errors import AssayError
from src.train import data
from tests.train.conftest import PARTS, Store, build_store


def rewrite(store: Store, parts: list[str], labels: list[str] | None = None) -> None:
    images = np.load(store.prepared.images)
    lines = store.prepared.index.read_text().splitlines()[1:]
    store.write(images, labels or [line.split(",")[1] for line in lines], parts)


def refused(store: Store, message: str, positive: str | None = None) -> None:
    with pytest.raises(AssayError, match=re.escape(message)):
        data.load(store.prepared, store.split, positive)


def test_rows_and_targets_are_those_of_train_and_val(store: Store) -> None:
    given = data.load(store.prepared, store.split, "CT_COVID")
    assert given.classes == ("CT_NonCOVID", "CT_COVID")
    assert given.train.rows.tolist() == list(range(0, 60, 3))
    assert given.val.rows.tolist() == list(range(1, 60, 3))
    assert given.train.targets.tolist() == [1, 0] * 10


def test_the_store_is_not_read_into_memory(store: Store) -> None:
    assert isinstance(data.load(store.prepared, store.split).images.base, np.memmap)


@pytest.mark.parametrize(
    ("labels", "positive", "classes"),
    [
        (["ill", "well"], "ill", ("well", "ill")),
        (["ill", "well"], "well", ("ill", "well")),
        (["well", "ill"], None, ("ill", "well")),
        (["c", "b", "a"], "a", ("a", "b", "c")),
    ],
)
def test_the_positive_one_of_two_classes_is_last(labels: list[str], positive: str, classes: tuple[str, ...]) -> None:
    assert data.order(labels, positive) == classes


def test_a_positive_that_is_no_label_lists_the_labels(store: Store) -> None:
    refused(
        store,
        "dataset.positive: expected one of CT_COVID, CT_NonCOVID, found 'CT_COVI'; did you mean 'CT_COVID'?",
        positive="CT_COVI",
    )


def test_a_class_without_train_images_is_named(store: Store) -> None:
    labels = ["b" if row % 3 == 1 and row > 30 else "a" for row in range(60)]
    rewrite(store, [PARTS[row % 3] for row in range(60)], labels)
    refused(store, "expected every class in train, found no image of b")


def test_a_val_part_of_one_class_is_refused(store: Store) -> None:
    rewrite(store, ["val" if row == 0 else "train" for row in range(60)])
    refused(store, "expected images of at least two classes in val, found 1 images of CT_COVID; raise split.val")


def test_an_empty_val_part_is_refused(store: Store) -> None:
    rewrite(store, ["train"] * 60)
    refused(store, "expected images of at least two classes in val, found none")


def test_a_single_class_is_refused(store: Store) -> None:
    rewrite(store, [PARTS[row % 3] for row in range(60)], ["a"] * 60)
    refused(store, "expected at least two classes, found a")


def test_stores_that_do_not_belong_together_are_refused(store: Store) -> None:
    np.save(store.prepared.images, np.zeros((59, 4, 4, 1), np.uint8))
    refused(store, "images.npy: expected 60 images as in index.csv, found 59")


def test_rows_that_the_store_lacks_are_refused(store: Store) -> None:
    store.split.parts.write_text("row,part\n0,train\n60,train\n")
    refused(store, "split.csv: expected rows below 60 as in index.csv, found 60")


@pytest.mark.parametrize("missing", ["images.npy", "index.csv", "split.csv"])
def test_a_missing_file_is_named(store: Store, missing: str) -> None:
    next(store.root.rglob(missing)).unlink()
    refused(store, f"{missing}: not found; run ")


def test_a_file_without_the_columns_is_named(store: Store) -> None:
    store.split.parts.write_text("row;part\n0;train\n")
    refused(store, "split.csv: expected the columns row, part, found row;part")


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("split.csv", "3,train", "three,train", "split.csv, line 5, row: expected a whole number, found 'three'"),
        ("split.csv", "3,train", "-3,train", "split.csv, line 5, row: expected a whole number, found '-3'"),
        ("split.csv", "3,train", "0,val", "split.csv, line 5: expected each row once, found 0 in line 2 too"),
        ("split.csv", "3,train", "3,Train", "split.csv, line 5: expected the part train, val, test, found 'Train'"),
        ("split.csv", "3,train", "3", "split.csv, line 5: expected the part train, val, test, found ''"),
        ("index.csv", "CT_NonCOVID/3.png,CT_NonCOVID,,", "CT_NonCOVID/3.png,,,", "index.csv, line 5: expected a label"),
        ("index.csv", "CT_NonCOVID/3.png,CT_NonCOVID,,", "CT_NonCOVID/3.png", "index.csv, line 5: expected a label"),
    ],
)
def test_a_line_that_was_damaged_by_hand_is_named(
    store: Store, name: str, before: str, after: str, message: str
) -> None:
    path = next(store.root.rglob(name))
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(f"\n{before}\n", f"\n{after}\n"), encoding="utf-8")
    refused(store, message)


@pytest.mark.parametrize("name", ["index.csv", "split.csv", "images.npy"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"row,name\n"])
def test_a_file_of_other_content_is_named(store: Store, name: str, content: bytes) -> None:
    next(store.root.rglob(name)).write_bytes(content)
    refused(store, f"{name}: expected ")


def test_what_a_spreadsheet_saves_is_read(store: Store) -> None:
    expected = data.load(store.prepared, store.split)
    for path in (store.prepared.index, store.split.parts):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert data.load(store.prepared, store.split).train.rows.tolist() == expected.train.rows.tolist()


def test_images_of_another_kind_are_refused(store: Store) -> None:
    np.save(store.prepared.images, np.zeros((60, 4, 4, 1), np.float32))
    refused(store, "images.npy: expected uint8 (N, H, W, C), found float32 (60, 4, 4, 1)")
    store.prepared.images.write_text("no array")
    refused(store, "images.npy: expected a whole .npy file")


def test_more_than_two_classes_keep_their_order(tmp_path: Path) -> None:
    store = build_store(tmp_path, classes=("c", "a", "b", "d"))
    assert data.load(store.prepared, store.split).classes == ("a", "b", "c", "d")
