"""Batches from the memory-mapped store, made while the model works on the one before."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from src import seeds
from src.params import Augment
from src.training import augment
from src.training.data import Part

Pixels = NDArray[np.float32]
Numbers = NDArray[np.int64]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Batches:
    """Pixels (B, H, W, C) in 0..255 with class numbers (B,), made from a part of the packed store."""

    images: NDArray[np.uint8]
    part: Part
    size: int

    def __len__(self) -> int:
        return -(-len(self.part.rows) // self.size)

    def plain(self) -> Iterator[tuple[Pixels, Numbers]]:
        """Give the part in its own order, as it is."""
        rows, targets = self.part.rows, self.part.targets

        def batch(number: int) -> tuple[Pixels, Numbers]:
            here = slice(number * self.size, (number + 1) * self.size)
            return self.images[rows[here]].astype(np.float32), targets[here]

        return ahead(batch, len(self))

    def augmented(self, section: Augment, seed: int, epoch: int) -> Iterator[tuple[Pixels, Numbers]]:
        """Give the part shuffled and augmented; seed and epoch alone decide how."""
        order = seeds.stream(seed, "shuffle", epoch).permutation(len(self.part.rows))
        rows, targets = self.part.rows[order], self.part.targets[order]
        height, width = self.images.shape[1:3]
        draws = augment.draws(seed, epoch, len(self.images))[rows]
        matrices = augment.matrices(section, draws, height, width)

        def batch(number: int) -> tuple[Pixels, Numbers]:
            here = slice(number * self.size, (number + 1) * self.size)
            pairs = zip(rows[here], matrices[here], strict=True)
            pixels = [augment.warp(self.images[row], matrix, section.fill) for row, matrix in pairs]
            return np.stack(pixels), targets[here]

        return ahead(batch, len(self))


def ahead(make: Callable[[int], Item], count: int) -> Iterator[Item]:
    """Make items 0..count-1 in a second thread, always the next one while the caller works on the current."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as thread:
        coming = thread.submit(make, 0)
        for number in range(1, count + 1):
            item = coming.result()
            if number < count:
                coming = thread.submit(make, number)
            yield item
