"""Batches from the memory-mapped store, made while the model works on the one before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.config import Augment
from src.core import random_streams
from src.images.worker_threads import ordered
from src.train import augment, class_balance
from src.train.data import Part

Pixels = NDArray[np.float32]
Numbers = NDArray[np.int64]
Batch = tuple[Pixels, Numbers]


@dataclass(frozen=True)
class Batches:
    """Pixels (B, H, W, C) in 0..255, or features, with class numbers (B,), made from a part of a store of them."""

    images: NDArray[Any]
    part: Part
    size: int
    threads: int = 1

    def __len__(self) -> int:
        return -(-len(self.part.rows) // self.size)

    def plain(self) -> Iterator[Batch]:
        """Return the part in its own order, as it is."""
        rows, targets = self.part.rows, self.part.targets

        def batch(number: int) -> Batch:
            here = slice(number * self.size, (number + 1) * self.size)
            return self.images[rows[here]].astype(np.float32), targets[here]

        return ordered(batch, range(len(self)), self.threads, ahead=1)

    def augmented(self, section: Augment, seed: int, epoch: int, balanced: str = "none") -> Iterator[Batch]:
        """Return the part shuffled and augmented; seed and epoch alone decide how.

        balanced: oversample and undersample change how often an image comes; each time it is augmented differently.
        """
        order = self.order(seed, epoch, balanced)
        rows, targets = self.part.rows[order], self.part.targets[order]
        height, width = self.images.shape[1:3]
        draws = augment.draws_of(rows, seed, epoch, len(self.images))
        matrices = augment.matrices(section, draws, height, width)

        def batch(number: int) -> Batch:
            here = slice(number * self.size, (number + 1) * self.size)
            warped = augment.warp(self.images[rows[here]], matrices[here], section.fill)
            return augment.tone(warped, section, draws[here]), targets[here]

        return ordered(batch, range(-(-len(order) // self.size)), self.threads, ahead=1)

    def order(self, seed: int, epoch: int, balanced: str = "none") -> Numbers:
        """Return the places in the part (M,) in the order in which an epoch shows them."""
        chosen = class_balance.chosen(self.part.targets, balanced, seed, epoch)
        return chosen[random_streams.stream(seed, "shuffle", epoch).permutation(len(chosen))]
