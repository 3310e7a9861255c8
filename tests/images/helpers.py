"""Images, files and params for the tests of this room."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from src.config import Preprocess
from src.core.paths import Raw
from src.images.pixels import Pixels
from tests import sections

STUDY = ("gray", "working_size", "stretch", "clahe", "crop", "resize")


def section(*steps: str, **values: Any) -> Preprocess:
    """Give valid params: 32 pixels, gray, only resized, unless told otherwise."""
    return sections.preprocess(**{"image_size": 32, "color": "gray", "steps": steps or ("resize",), **values})


def smooth(height: int = 48, width: int = 64, seed: int = 0, channels: int = 3) -> Pixels:
    """Draw soft blobs of 20..235, which survive JPEG within a few levels."""
    noise = np.random.default_rng(seed).normal(size=(height, width, channels)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 6)
    scaled = cv2.normalize(soft, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)
    return scaled[..., 0] if scaled.ndim == 3 and channels == 1 else scaled


def save(path: Path, image: Pixels, **options: Any) -> Path:
    """Write an image with Pillow, in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)
    return path


def write_raw(folder: Path, files: Mapping[str, Pixels | bytes], group: str = "") -> Raw:
    """Write a raw folder with its manifest; the label is the first folder of each path."""
    raw = Raw(folder)
    for name, content in files.items():
        if isinstance(content, bytes):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        else:
            save(folder / name, content)
    with raw.manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label", "group", "fold"])
        writer.writerows([name, name.split("/")[0], group, ""] for name in sorted(files))
    return raw


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
