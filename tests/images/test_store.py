"""What is packed is read back; what does not fit together is said."""

from pathlib import Path

import numpy as np
import pytest

from src.core.errors import AssayError
from src.core.paths import Prepared
from src.images.store import COLUMNS, open_images, packing, read_index, table

ROW = ("a.png", "x", "", "", 10, 20, 3, "PNG", 99, None, None, None, None)


def fill(folder: Path, count: int, *rows: tuple[object, ...]) -> Prepared:
    prepared = Prepared(folder)
    with packing(prepared.images, (4, 5, 1)) as append:
        for number in range(count):
            append(np.full((4, 5, 1), number, np.uint8))
    with table(prepared.index, COLUMNS) as add:
        for row in rows:
            add(row)
    return prepared


@pytest.mark.parametrize("count", [1, 9, 10, 101])
def test_images_come_back_in_order_as_a_read_only_map(tmp_path: Path, count: int) -> None:
    images = open_images(fill(tmp_path, count))
    assert isinstance(images.base, np.memmap)
    assert images.shape == (count, 4, 5, 1)
    assert images[:, 2, 3, 0].tolist() == list(range(count))
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 1


def test_the_file_is_the_one_that_numpy_writes(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    np.save(tmp_path / "numpy.npy", np.load(tmp_path / "images.npy"))
    assert (tmp_path / "numpy.npy").read_bytes() == (tmp_path / "images.npy").read_bytes()


def test_an_image_of_another_shape_is_not_packed(tmp_path: Path) -> None:
    with packing(tmp_path / "a.npy", (4, 5, 1)) as append:
        for wrong in (np.zeros((5, 4, 1), np.uint8), np.zeros((4, 5, 1), np.float32)):
            with pytest.raises(ValueError, match="expected a uint8 image"):
                append(wrong)


def test_text_stays_text_and_unknown_is_empty(tmp_path: Path) -> None:
    row = ("1.png", "NA", "007", "", 10, 20, 3, "PNG", 99, 1, 2, 3, 4)
    index = read_index(fill(tmp_path, 2, row, ROW))
    assert list(index.columns) == list(COLUMNS)
    assert index["label"].tolist() == ["NA", "x"]
    assert index["group"].tolist() == ["007", ""]
    assert index["fold"].tolist() == ["", ""]
    assert index["bytes"].tolist() == [99, 99]


def test_crop_is_an_integer_or_missing(tmp_path: Path) -> None:
    index = read_index(fill(tmp_path, 2, ROW, (*ROW[:9], 1, 2, 3, 4)))
    assert index["crop_right"].isna().tolist() == [True, False]
    assert index["crop_right"][1] == 3


def test_odd_names_survive(tmp_path: Path) -> None:
    name = 'a folder/with, comma "quotes" ß.png'
    assert read_index(fill(tmp_path, 1, (name, *ROW[1:])))["path"].tolist() == [name]


def test_missing_files_name_the_stage_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"images\.npy: not found.*dvc repro"):
        open_images(Prepared(tmp_path))
    with pytest.raises(AssayError, match=r"index\.csv: not found.*dvc repro"):
        read_index(Prepared(tmp_path))


def test_lengths_that_disagree_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="1 rows for 2 images"):
        read_index(fill(tmp_path, 2, ROW))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    prepared = fill(tmp_path, 1, ROW)
    prepared.index.write_text("path,label\na,x\n")
    with pytest.raises(AssayError, match=r"index\.csv.*group"):
        read_index(prepared)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:100], lambda b: b"no array" + b])
def test_a_damaged_store_is_an_error(tmp_path: Path, damage: object) -> None:
    prepared = fill(tmp_path, 3)
    prepared.images.write_bytes(damage(prepared.images.read_bytes()))  # type: ignore[operator]
    with pytest.raises(AssayError, match=r"images\.npy: expected a whole"):
        open_images(prepared)


def test_another_kind_of_array_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((3, 4, 5)))
    with pytest.raises(AssayError, match=r"expected uint8 \(N, H, W, C\), found float64"):
        open_images(Prepared(tmp_path))
