"""The packed store: one .npy file that holds all images and is written image by image, and its readers."""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from src.core.errors import AssayError
from src.core.paths import Prepared
from src.images.pixels import Pixels

if TYPE_CHECKING:
    import pandas as pd

FACTS = ("width", "height", "channels", "format", "bytes")
CROP = ("crop_left", "crop_top", "crop_right", "crop_bottom")
COLUMNS = ("path", "label", "group", "fold", *FACTS, *CROP)


@contextmanager
def packing(path: Path, shape: tuple[int, int, int]) -> Iterator[Callable[[Pixels], None]]:
    """Yield a function that appends a uint8 image of `shape` (H, W, C) to a .npy file of (N, H, W, C).

    N need not be known in advance: numpy pads its header so that the first axis can grow, and the header is written
    again at the end. No image is kept in memory.
    """
    count = 0

    def append(image: Pixels) -> None:
        nonlocal count
        if image.shape != shape or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 image {shape}, found {image.dtype} {image.shape}")
        file.write(image.tobytes())
        count += 1

    with path.open("wb") as file:
        _header(file, (count, *shape))
        yield append
        file.seek(0)
        _header(file, (count, *shape))


@contextmanager
def table(path: Path, columns: tuple[str, ...]) -> Iterator[Callable[[Iterable[object]], object]]:
    """Yield a function that appends a row to a CSV file: UTF-8, Unix line endings, None as an empty field."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield writer.writerow


def open_images(prepared: Prepared) -> Pixels:
    """Memory-map all images read-only, uint8 (N, H, W, C), C 1 (gray) or 3 (RGB); pages are read when they are used.

    Raises:
        AssayError: the file is missing, truncated, or has another dtype or another number of dimensions.
    """
    return _open(prepared.images)


def open_thumbnails(prepared: Prepared) -> Pixels:
    """Memory-map the thumbnails, images as decoded, shrunk and gray, uint8 (N, 64, 64, 1), like `open_images`."""
    return _open(prepared.thumbnails)


def _open(path: Path) -> Pixels:
    try:
        images: Pixels = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))  # indexing a memmap is slower
    except FileNotFoundError:
        raise AssayError(f"{path}: not found; run `dvc repro preprocess`") from None
    except (ValueError, OSError, EOFError) as error:
        raise AssayError(f"{path}: expected a whole .npy file; {error}") from error
    if images.dtype != np.uint8 or images.ndim != 4:
        raise AssayError(f"{path}: expected uint8 (N, H, W, C), found {images.dtype} {images.shape}")
    return images


def read_index(prepared: Prepared) -> "pd.DataFrame":
    """Read the table of all images: row i describes image i. Text columns are str; an unknown group or fold is "".

    The crop columns are nullable integers, missing if no crop step ran.

    Raises:
        AssayError: the file is missing, lacks a column, or its number of rows differs from the number of images.
    """
    import pandas as pd  # takes 0.5 s to import, and writing the store does not need it

    types = dict.fromkeys(("path", "label", "group", "fold", "format"), str) | dict.fromkeys(CROP, "Int64")
    try:
        index = pd.read_csv(prepared.index, dtype=types, keep_default_na=False, na_values={name: [""] for name in CROP})
    except FileNotFoundError:
        raise AssayError(f"{prepared.index}: not found; run `dvc repro preprocess`") from None
    except ValueError as error:
        raise AssayError(f"{prepared.index}: expected the columns {', '.join(COLUMNS)}; {error}") from error
    if missing := [name for name in COLUMNS if name not in index]:
        raise AssayError(f"{prepared.index}: lacks the columns {', '.join(missing)}")
    count = len(open_images(prepared))
    if len(index) != count:
        raise AssayError(f"{prepared.index}: {len(index)} rows for {count} images; run `dvc repro preprocess` again")
    return index


def _header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
