"""Batches from the memory-mapped store, made while the model works on the one before."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from src.config import Augment
from src.core import random_streams
from src.train import augment, class_balance
from src.train.data import Part

Pixels = NDArray[np.float32]
Numbers = NDArray[np.int64]
Batch = tuple[Pixels, Numbers]
Item = TypeVar("Item")


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

        return ahead(batch, len(self), self.threads)

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

        return ahead(batch, -(-len(order) // self.size), self.threads)

    def order(self, seed: int, epoch: int, balanced: str = "none") -> Numbers:
        """Return the places in the part (M,) in the order in which an epoch shows them."""
        chosen = class_balance.chosen(self.part.targets, balanced, seed, epoch)
        return chosen[random_streams.stream(seed, "shuffle", epoch).permutation(len(chosen))]


def ahead(make: Callable[[int], Item], count: int, threads: int) -> Iterator[Item]:
    """Yield items 0..count-1 in order; threads make the next ones while the caller works on the current one."""
    with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
        coming = deque(pool.submit(make, number) for number in range(min(threads, count)))
        for number in range(threads, count + threads):
            item = coming.popleft().result()
            if number < count:
                coming.append(pool.submit(make, number))
            yield item
