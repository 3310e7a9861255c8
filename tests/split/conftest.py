"""Prepared stores made in a temporary folder, as the preprocess stage would write them."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.paths import Prepared
from src.images.pixels import thumbnail
from src.images.store import COLUMNS

SIDE = 96

Store = Callable[..., Prepared]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a function that writes a store: images (N, H, W, C), labels, and other columns where they matter."""

    def write(images: np.ndarray, labels: Sequence[str], **columns: Sequence[object]) -> Prepared:
        prepared = Prepared(tmp_path / "prepared")
        prepared.folder.mkdir(exist_ok=True)
        np.save(prepared.images, images)
        np.save(prepared.thumbnails, np.stack([thumbnail(image.squeeze()) for image in images]))
        usual = {"group": "", "fold": "", "width": 300, "height": 200, "channels": 1, "format": "PNG", "bytes": 30_000}
        with prepared.index.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(COLUMNS)
            for row, label in enumerate(labels):
                facts = [columns[name][row] if name in columns else value for name, value in usual.items()]
                table.writerow([f"{label}/{row:04}.png", label, *facts, "", "", "", ""])
        return prepared

    return write


def slices(count: int, seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Draw images that share a body and two lungs and differ in what is inside: uint8 (count, side, side, 1)."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, side, side, 1), np.uint8)
    for image in images:
        pixels = np.zeros((side, side), np.uint8)
        cv2.ellipse(pixels, (side // 2, side // 2), (int(side * 0.46), int(side * 0.36)), 0, 0, 360, 170, -1)
        for middle in (0.3, 0.7):
            cv2.ellipse(
                pixels, (int(side * middle), side // 2), (int(side * 0.15), int(side * 0.25)), 0, 0, 360, 50, -1
            )
        for x, y, radius, grey in zip(
            *random.uniform([[12], [12], [1], [90]], [[84], [84], [5], [255]], (4, 40)), strict=True
        ):
            cv2.circle(pixels, (int(x), int(y)), int(radius), int(grey), -1)
        image[..., 0] = np.clip(pixels + random.normal(0, 6, pixels.shape), 0, 255)
    return images
