"""Augmented input from the packed store, against Keras' ImageDataGenerator with the same ranges."""

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import report
from src.config import Augment
from src.train import augment
from src.train.data import Batches, Part

from keras.src.legacy.preprocessing.image import ImageDataGenerator

IMAGES, SIDE, BATCH, COMPARED = 300, 150, 30, 100
THREADS = 2
ROUNDS, EPOCHS = 15, 4  # many short rounds, the best of each side: other work on the machine disturbs both alike
SECTION = Augment(
    rotation=40, shift=0.2, shear=0.2, zoom=0.2, brightness=0, contrast=0, flip="horizontal", fill="nearest"
)


def main() -> None:
    """Time both on the same images in turn, then compare pixels for equal parameters."""
    cv2.setNumThreads(1)
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE, 1), dtype=np.uint8)
    peer = generator()
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        stored = np.load(Path(folder) / "images.npy", mmap_mode="r")
        batches = Batches(stored, Part(np.arange(IMAGES), np.zeros(IMAGES, np.int64)), BATCH, THREADS)
        flow = peer.flow(images.astype(np.float32), np.zeros(IMAGES), BATCH)
        pairs = [
            (rate(1, lambda _: map(flow.__getitem__, range(len(flow)))),
             rate(EPOCHS, lambda epoch: batches.augmented(SECTION, 0, epoch)))
            for _ in range(ROUNDS)
        ]  # fmt: skip
    theirs, ours = (max(rates) for rates in zip(*pairs, strict=True))
    claim = f"augmented input on {THREADS} threads, {ours:.0f} images/s against ImageDataGenerator's {theirs:.0f}"
    report(claim, ours / theirs, at_least=10)
    claim = f"largest difference over {COMPARED} images for equal parameters, in grey levels of 255"
    report(claim, difference(peer, images), at_most=0.01)


def generator() -> ImageDataGenerator:
    """Make the peer with the same ranges."""
    return ImageDataGenerator(
        rotation_range=SECTION.rotation,
        width_shift_range=SECTION.shift,
        height_shift_range=SECTION.shift,
        shear_range=SECTION.shear,
        zoom_range=SECTION.zoom,
        horizontal_flip=True,
        fill_mode=SECTION.fill,
    )


def rate(epochs: int, batches: Callable[[int], Iterable[object]]) -> float:
    """Give the images per second over some epochs."""
    start = time.perf_counter()
    for epoch in range(epochs):
        for _ in batches(epoch):
            pass
    return epochs * IMAGES / (time.perf_counter() - start)


def difference(peer: ImageDataGenerator, images: NDArray[np.uint8]) -> float:
    """Give the largest difference between the peer's pixels and ours over some images."""
    draws = augment.draws(0, 1, COMPARED)
    matrices = augment.matrices(SECTION, draws, SIDE, SIDE)
    worst = 0.0
    for image, matrix, draw in zip(images, matrices, draws, strict=False):
        spread = 2 * draw - 1
        theirs = peer.apply_transform(
            image.astype(np.float32),
            {
                "theta": SECTION.rotation * spread[0],
                "tx": SECTION.shift * SIDE * spread[1],
                "ty": SECTION.shift * SIDE * spread[2],
                "shear": SECTION.shear * spread[3],
                "zx": 1 + SECTION.zoom * spread[4],
                "zy": 1 + SECTION.zoom * spread[5],
                "flip_horizontal": draw[6] < 0.5,
            },
        )
        worst = max(worst, float(np.abs(theirs - augment.warp(image[None], matrix[None], SECTION.fill)[0]).max()))
    return worst


if __name__ == "__main__":
    main()
